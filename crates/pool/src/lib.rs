//! A registry of live connections: capacity, users, groups, facts, sweeps and balancing.

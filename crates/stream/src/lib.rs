//! Agent token streams: parse, classify and merge what language-model backends send.

//! Backends over HTTP: which there are, how they are asked, and how their answers are read.

mod answer;
mod balance;
mod body;
mod client;
mod elsewhere;
mod failure;
mod first_byte;
mod form;
mod route;
mod run;

pub(crate) use balance::BalanceLayer;
pub(crate) use body::UpstreamBody;
pub(crate) use client::{Client, UpstreamRequest, UpstreamResponse};
pub(crate) use elsewhere::Elsewhere;
pub(crate) use failure::Failure;
pub(crate) use first_byte::FirstByteLayer;
pub(crate) use route::{Route, Routes};
pub(crate) use run::{Asker, Run, ask, stream};

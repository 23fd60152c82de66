//! Backends over HTTP: which there are, how they are asked, and how their answers are read.

mod answer;
mod body;
mod client;
mod failure;
mod first_byte;
mod form;
mod route;
mod run;

pub(crate) use body::UpstreamBody;
pub(crate) use client::{Client, UpstreamRequest, UpstreamResponse};
pub(crate) use failure::Failure;
pub(crate) use first_byte::{FirstByteLayer, UpstreamService};
pub(crate) use route::{Route, Routes};
pub(crate) use run::{Asker, Run, ask, stream};

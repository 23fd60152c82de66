//! Where a request's standing is noted for those who handle it. It does not know who they are.

use http::Request;

use crate::Standing;

/// Notes how a request stands, or does not.
pub trait Note<R, const M: usize> {
    /// Notes it.
    fn note(&self, request: &mut R, standings: [Standing; M]);
}

/// Nothing is noted; nothing is allocated.
#[derive(Clone, Copy, Debug, Default)]
pub struct Nowhere;

impl<R, const M: usize> Note<R, M> for Nowhere {
    #[inline]
    fn note(&self, _: &mut R, _: [Standing; M]) {}
}

/// In the request's extensions, as `[Standing; M]`.
#[derive(Clone, Copy, Debug, Default)]
pub struct InExtensions;

impl<B, const M: usize> Note<Request<B>, M> for InExtensions {
    fn note(&self, request: &mut Request<B>, standings: [Standing; M]) {
        request.extensions_mut().insert(standings);
    }
}

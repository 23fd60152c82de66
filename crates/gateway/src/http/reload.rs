//! `POST /api/v1/config/reload`: reads the configuration again.

use std::sync::Arc;

use http::{Response, StatusCode};
use tidegate_server::{Body, Problem};
use tokio::task::spawn_blocking;

use super::reply::json;
use crate::app::App;
use crate::reload::{self, ReloadError};

pub(super) async fn reload(app: &Arc<App>) -> Result<Response<Body>, Problem> {
    let app = Arc::clone(app);
    // It reads a file, on whatever disk that is.
    let changes = spawn_blocking(move || reload::reload(&app)).await;
    match changes {
        Ok(Ok(changes)) => Ok(json(StatusCode::OK, &changes)),
        Ok(Err(error)) => {
            let code = match error {
                ReloadError::NoSource => "unsupported",
                ReloadError::Refused(_) => "invalid_config",
            };
            Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, code, error.to_string()))
        }
        Err(error) => {
            let status = StatusCode::INTERNAL_SERVER_ERROR;
            Err(Problem::new(status, "internal", error.to_string()))
        }
    }
}

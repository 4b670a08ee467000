use crate::routes::Routes;

/// The routes of these pages.
pub(crate) fn routes(routes: Routes) -> Routes {
    routes
}

//! The files of PDS MESH, of the Master Patient Trace and of the Demographics Batch Service.

//! A mailbox of the Message Exchange for Social Care and Health (MESH).

use crate::accounts::password::WeakPassword;
use nhs_pds::process;

/// Why an account was not added or changed. Contains no password and no code.
#[non_exhaustive]
#[derive(Debug, thiserror::Error)]
pub enum AccountError {
    /// The user id is empty, longer than 64 characters, or has a character other than small letters, digits and
    /// `-._@`.
    #[error("a user id has 1 to 64 small letters, digits and -._@")]
    UserId,
    /// Another account has the user id. Choose another one.
    #[error("another account has this user id")]
    Exists,
    /// No account has the user id.
    #[error("no account has this user id")]
    Unknown,
    /// The password is not accepted.
    #[error("{0}")]
    Password(#[from] WeakPassword),
    /// The password or the code is wrong, or the code was used before. Wait for the next code.
    #[error(
        "the password or the code is not right, or the code was used before: wait for the next code"
    )]
    Credentials,
    /// Without this account no administrator could sign in. Add another administrator first.
    #[error("this is the last administrator: add another one first")]
    LastAdministrator,
    /// Users cannot change their own role, or disable or recover their own account. Another administrator must.
    #[error(
        "another administrator must do this: you cannot change your own role, or disable or recover your own account"
    )]
    OwnAccount,
    /// The change needs two administrators, and this one has asked for it.
    #[error("another administrator must approve: you have asked for it")]
    SamePerson,
    /// The user has access for maintenance, which must not lead to lasting access (HAV-12).
    #[error(
        "access for maintenance does not include users: ask an administrator of the organisation"
    )]
    Maintenance,
    /// There is no request to approve. It was approved before, or it is older than a day.
    #[error("there is no open request for this account")]
    NoRequest,
    /// The time is in the past, or later than allowed.
    #[error("the access must end within 8 hours")]
    TooLong,
    /// A reason is needed, for the audit trail.
    #[error("give a reason")]
    NoReason,
    /// Too many passwords are checked at the same time. Try again.
    #[error("too many users sign in at the same time: try again")]
    Busy,
    /// The store or the audit trail cannot be used, or other servers change the account all the time. Try again.
    #[error("the store or the audit trail cannot be used: try again")]
    Store(#[source] process::Error),
    /// The stored account cannot be read, or the operating system gives no random numbers.
    #[error("the account cannot be read or written")]
    Broken,
}

impl<E: Into<process::Error>> From<E> for AccountError {
    fn from(error: E) -> Self {
        Self::Store(error.into())
    }
}

//! Opaque names for what must not stand in a URL: a case id is personal data.

use crate::error::PageError;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chacha20poly1305::aead::Aead;
use chacha20poly1305::{ChaCha20Poly1305, KeyInit};
use nhs_pds::audit::{Entry, EventKind};
use nhs_pds::case::{CaseId, Setting};
use nhs_pds::process::store::{Commit, Store};
use sha2::{Digest, Sha256};
use std::fmt;
use zeroize::Zeroizing;

/// The setting of the store with the key.
const SETTING: &str = "screens:links";

/// How often the key is read again when another server has written it first.
const ATTEMPTS: usize = 8;

/// Seals case ids and cursors for URLs. One id always has the same name, so that a page can be bookmarked. The key is
/// a setting of the store: all servers of a store use the same, and no other store's.
pub(crate) struct Links {
    key: Zeroizing<[u8; 32]>,
}

impl fmt::Debug for Links {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Links(redacted)")
    }
}

impl Links {
    /// Reads the key, and creates it in a store that has none.
    pub(crate) async fn load(
        store: &dyn Store,
        entry: impl Fn(EventKind) -> Entry + Sync,
    ) -> Result<Self, PageError> {
        for _ in 0..ATTEMPTS {
            let setting =
                store.cases().setting(SETTING).await.map_err(nhs_pds::process::Error::from)?;
            if let Some(setting) = setting {
                let key = URL_SAFE_NO_PAD.decode(setting.value).ok();
                let key = key.and_then(|key| <[u8; 32]>::try_from(key).ok());
                return Ok(Self { key: Zeroizing::new(key.ok_or(PageError::Failed)?) });
            }
            let mut key = Zeroizing::new([0; 32]);
            getrandom::fill(&mut *key).map_err(|_| PageError::Failed)?;
            let entry = entry(EventKind::ConfigurationChanged).with_detail("setting", SETTING);
            let (actor, at) = (entry.actor().clone(), entry.at());
            let setting = Setting::new(URL_SAFE_NO_PAD.encode(*key));
            // The next turn reads what this server or another one has written.
            let _: nhs_pds::process::store::Committed =
                store.commit(Commit::new(&actor, at).set(SETTING, setting, entry)).await?;
        }
        Err(PageError::Failed)
    }

    /// The name of a case in a URL.
    pub(crate) fn case(&self, id: &CaseId) -> String {
        self.seal("case", id.as_str())
    }

    /// The case of a name, if this store's key has sealed it.
    pub(crate) fn open_case(&self, name: &str) -> Option<CaseId> {
        self.open("case", name)?.parse().ok()
    }

    /// Seals any text for a URL, such as a cursor. `purpose` keeps names of one kind from being used as another.
    pub(crate) fn seal(&self, purpose: &str, text: &str) -> String {
        let nonce = self.nonce(purpose, text);
        let sealed = self.cipher(purpose).encrypt((&nonce).into(), text.as_bytes());
        let mut name = nonce.to_vec();
        name.extend(sealed.unwrap_or_default());
        URL_SAFE_NO_PAD.encode(name)
    }

    /// Opens what [`seal`](Self::seal) has sealed.
    pub(crate) fn open(&self, purpose: &str, name: &str) -> Option<String> {
        let bytes = URL_SAFE_NO_PAD.decode(name).ok()?;
        let (nonce, sealed) = bytes.split_first_chunk::<12>()?;
        let text = self.cipher(purpose).decrypt(nonce.into(), sealed).ok()?;
        String::from_utf8(text).ok()
    }

    fn cipher(&self, purpose: &str) -> ChaCha20Poly1305 {
        ChaCha20Poly1305::new(&self.derive("cipher", purpose, "").into())
    }

    /// The same text has the same nonce, and another text another one.
    fn nonce(&self, purpose: &str, text: &str) -> [u8; 12] {
        let mut nonce = [0; 12];
        nonce.iter_mut().zip(self.derive("nonce", purpose, text)).for_each(|(to, from)| *to = from);
        nonce
    }

    fn derive(&self, use_: &str, purpose: &str, text: &str) -> [u8; 32] {
        // Hash of a hash: a longer text cannot be made from the digest of a shorter one.
        let mut inner = Sha256::new();
        inner.update(*self.key);
        for part in [use_, purpose] {
            inner.update((part.len() as u64).to_be_bytes());
            inner.update(part);
        }
        inner.update(text);
        let mut outer = Sha256::new();
        outer.update(*self.key);
        outer.update(inner.finalize());
        outer.finalize().into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn links(first: u8) -> Links {
        Links { key: Zeroizing::new([first; 32]) }
    }

    #[test]
    fn one_case_has_one_name_which_only_its_store_opens() {
        let id: CaseId = "RXX:00001".parse().unwrap();
        let name = links(1).case(&id);
        assert_eq!(links(1).case(&id), name);
        assert_eq!(links(1).open_case(&name), Some(id.clone()));
        assert_eq!(links(2).open_case(&name), None, "another store");
        assert_eq!(links(1).open("cursor", &name), None, "another purpose");
        assert!(!name.contains("00001"));
        assert_ne!(links(1).case(&"RXX:00002".parse().unwrap()), name);
    }

    #[test]
    fn a_changed_name_opens_nothing() {
        let name = links(1).seal("case", "RXX:00001");
        for (at, _) in name.char_indices() {
            let mut changed = name.clone();
            let other = if &name[at..=at] == "A" { "B" } else { "A" };
            changed.replace_range(at..=at, other);
            // The last character has bits that mean nothing.
            assert!(
                links(1)
                    .open("case", &changed)
                    .is_none_or(|text| text == "RXX:00001" && at + 1 == name.len())
            );
        }
        assert_eq!(links(1).open("case", ""), None);
    }
}

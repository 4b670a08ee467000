//! The types of the crate, read from its source, so that none is forgotten.
//!
//! A type *has room* if it can contain some text, bytes, wide number or unknown implementation. A type
//! without room cannot contain a value of a person. Numbers below 64 bits, and `usize`, which counts things
//! in memory, are no room: an NHS Number does not fit. Parts of a date of birth fit, but every type with
//! them has a `Debug` of its own, which always counts as room.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::{env, fs};
use syn::punctuated::Punctuated;
use syn::{Attribute, Fields, GenericArgument, Item, Meta, PathArguments, Token, Type, Visibility};

/// The features of this build. A `cfg` that names another one fails the scan.
const FEATURES: [(&str, bool); 15] = [
    ("barcode", cfg!(feature = "barcode")),
    ("batch", cfg!(feature = "batch")),
    ("blocking", cfg!(feature = "blocking")),
    ("conformance", cfg!(feature = "conformance")),
    ("csv", cfg!(feature = "csv")),
    ("fhir", cfg!(feature = "fhir")),
    ("http", cfg!(feature = "http")),
    ("mesh", cfg!(feature = "mesh")),
    ("postgres", cfg!(feature = "postgres")),
    ("process", cfg!(feature = "process")),
    ("resilience", cfg!(feature = "resilience")),
    ("smsp", cfg!(feature = "smsp")),
    ("sqlite", cfg!(feature = "sqlite")),
    ("transport", cfg!(feature = "transport")),
    // A feature of the simulator, which the tests enable.
    ("wiremock", true),
];

/// The crates that are read: the folder of the sources, and the name in paths of types.
const CRATES: [(&str, &str); 3] = [
    ("src", "nhs_pds"),
    ("crates/nhs-pds-admin/src", "nhs_pds_admin"),
    ("crates/nhs-pds-simulator/src", "nhs_pds_simulator"),
];

/// One struct or enum.
#[derive(Default)]
pub(super) struct Declared {
    /// As [`std::any::type_name`] writes it, without parameters: `nhs_pds::case::record::Case`.
    pub(super) path: String,
    /// Whether it is `pub`. (`unreachable_pub` limits `pub` to reachable items.)
    pub(super) public: bool,
    /// Whether this build contains it.
    pub(super) built: bool,
    /// Whether `Debug` is derived, and so prints every field.
    pub(super) derived: bool,
    /// Whether it is an error, so that `Display` and the chain of sources are printed as well.
    pub(super) error: bool,
    /// The variants of an enum.
    pub(super) variants: Vec<String>,
    /// Fields of a struct, or of each variant.
    pub(super) parts: Vec<Part>,
}

/// A field.
pub(super) struct Part {
    /// Its variant, in an enum.
    pub(super) variant: Option<String>,
    /// Its name, if it has one.
    pub(super) field: Option<String>,
    /// Its type.
    ty: Type,
}

/// All declarations of the sources.
pub(super) struct Source {
    pub(super) types: Vec<Declared>,
    closed: BTreeSet<String>,
}

impl Source {
    /// Reads the crates, module by module. `exempt` are paths that count as having no room.
    pub(super) fn read<'a>(exempt: impl IntoIterator<Item = &'a str>) -> Self {
        let mut scan = Scan::default();
        for (folder, name) in CRATES {
            let root = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
            scan.file(&root.join("lib.rs"), &root, name, true);
            let files = files(&root).into_iter();
            let missed: Vec<_> = files.filter(|file| !scan.seen.contains(file)).collect();
            assert!(missed.is_empty(), "no `mod` leads to {missed:?}");
        }
        Self::of(scan, exempt)
    }

    fn of<'a>(scan: Scan, exempt: impl IntoIterator<Item = &'a str>) -> Self {
        let closed = exempt.into_iter().map(str::to_owned).collect();
        let mut source = Self { types: scan.types(), closed };
        // From below: a type whose fields have no room has no room.
        loop {
            let open = source.types.iter().filter(|t| source.has_room(t));
            let more: Vec<_> = open.filter(|t| source.closes(t)).map(|t| t.path.clone()).collect();
            if more.is_empty() {
                return source;
            }
            source.closed.extend(more);
        }
    }

    /// Whether its declaration allows it to contain a value of a person.
    pub(super) fn has_room(&self, declared: &Declared) -> bool {
        !self.closed.contains(&declared.path)
    }

    /// Whether this field can contain a value.
    pub(super) fn part_has_room(&self, part: &Part) -> bool {
        !self.is_closed(&part.ty)
    }

    fn closes(&self, declared: &Declared) -> bool {
        declared.derived && !declared.parts.iter().any(|part| self.part_has_room(part))
    }

    fn is_closed(&self, ty: &Type) -> bool {
        match ty {
            Type::Array(array) => self.is_closed(&array.elem) && !is_byte(&array.elem),
            Type::Slice(slice) => self.is_closed(&slice.elem) && !is_byte(&slice.elem),
            Type::Group(group) => self.is_closed(&group.elem),
            Type::Paren(paren) => self.is_closed(&paren.elem),
            Type::Tuple(tuple) => tuple.elems.iter().all(|elem| self.is_closed(elem)),
            // Fixed text of the program.
            Type::Reference(to) if is_word(to) => true,
            Type::Reference(to) => self.is_closed(&to.elem),
            Type::Path(path) => path.path.segments.last().is_some_and(|s| self.is_closed_path(s)),
            _ => false,
        }
    }

    fn is_closed_path(&self, segment: &syn::PathSegment) -> bool {
        const PLAIN: [&str; 26] = [
            "AtomicBool",
            "AtomicI32",
            "AtomicU32",
            "AtomicUsize",
            "DateTime",
            "Duration",
            "Instant",
            "NaiveTime",
            "NonZeroU32",
            "NonZeroU8",
            "NonZeroUsize",
            "Notify",
            "PhantomData",
            "StatusCode",
            "TimeDelta",
            "Uuid",
            "bool",
            "f32",
            "f64",
            "i16",
            "i32",
            "u16",
            "u32",
            "u8",
            "usize",
            "SystemTime",
        ];
        const HOLDERS: [&str; 15] = [
            "Arc", "BTreeMap", "BTreeSet", "Box", "Cell", "HashMap", "HashSet", "Mutex", "Option",
            "RefCell", "Result", "RwLock", "Vec", "VecDeque", "OnceLock",
        ];
        let name = segment.ident.to_string();
        let ends = format!("::{name}");
        // Several types have one name. If all have no room, it does not matter which is meant.
        let mut own = self.types.iter().filter(|t| t.path.ends_with(&ends)).peekable();
        if own.peek().is_some() {
            return own.all(|t| self.closed.contains(&t.path));
        }
        let PathArguments::AngleBracketed(args) = &segment.arguments else {
            return PLAIN.contains(&&*name);
        };
        PLAIN.contains(&&*name)
            || HOLDERS.contains(&&*name)
                && args.args.iter().all(|arg| match arg {
                    GenericArgument::Type(ty) => self.is_closed(ty) && !is_byte(ty),
                    _ => true,
                })
    }
}

fn is_word(to: &syn::TypeReference) -> bool {
    to.lifetime.as_ref().is_some_and(|lifetime| lifetime.ident == "static")
        && matches!(&*to.elem, Type::Path(path) if path.path.is_ident("str"))
}

fn is_byte(ty: &Type) -> bool {
    matches!(ty, Type::Path(path) if path.path.is_ident("u8"))
}

#[derive(Default)]
struct Scan {
    seen: Vec<PathBuf>,
    found: BTreeMap<String, Declared>,
    errors: BTreeSet<String>,
}

impl Scan {
    fn types(mut self) -> Vec<Declared> {
        for path in &self.errors {
            if let Some(declared) = self.found.get_mut(path) {
                declared.error = true;
            }
        }
        self.found.into_values().collect()
    }

    fn file(&mut self, file: &Path, dir: &Path, module: &str, built: bool) {
        let text = fs::read_to_string(file).unwrap();
        let parsed = syn::parse_file(&text).unwrap_or_else(|e| panic!("{}: {e}", file.display()));
        self.seen.push(file.to_owned());
        self.items(&parsed.items, dir, module, built);
    }

    fn items(&mut self, items: &[Item], dir: &Path, module: &str, built: bool) {
        for item in items {
            match item {
                Item::Mod(inner) => {
                    let name = inner.ident.to_string();
                    let (dir, module) = (dir.join(&name), format!("{module}::{name}"));
                    let flat = dir.with_extension("rs");
                    let file = if flat.exists() { flat } else { dir.join("mod.rs") };
                    match (applies(&inner.attrs), &inner.content) {
                        (None, _) => self.seen.push(file),
                        (Some(on), Some((_, items))) => {
                            self.items(items, &dir, &module, built && on);
                        }
                        (Some(on), None) => self.file(&file, &dir, &module, built && on),
                    }
                }
                Item::Struct(it) => {
                    let inside = (Vec::new(), parts(None, &it.fields));
                    self.add((module, &it.ident), &it.vis, &it.attrs, built, inside);
                }
                Item::Enum(it) => {
                    let names = it.variants.iter().map(|v| v.ident.to_string()).collect();
                    let variants = it.variants.iter();
                    let parts = variants.flat_map(|v| parts(Some(v.ident.to_string()), &v.fields));
                    let inside = (names, parts.collect());
                    self.add((module, &it.ident), &it.vis, &it.attrs, built, inside);
                }
                Item::Union(it) => panic!("{module}::{}: a union cannot be walked", it.ident),
                Item::Impl(it) => {
                    let trait_name = it.trait_.as_ref().and_then(|(path, _)| path.segments.last());
                    let is_error =
                        trait_name.is_some_and(|s| s.ident == "Error" || s.ident == "StdError");
                    if let (true, Type::Path(of)) = (is_error, &*it.self_ty) {
                        let name = &of.path.segments.last().unwrap().ident;
                        self.errors.insert(format!("{module}::{name}"));
                    }
                }
                Item::Macro(it) => self.made_by_macro(&it.mac.tokens.to_string(), module, built),
                _ => {}
            }
        }
    }

    fn add(
        &mut self,
        (module, name): (&str, &syn::Ident),
        vis: &Visibility,
        attrs: &[Attribute],
        built: bool,
        (variants, parts): (Vec<String>, Vec<Part>),
    ) {
        let Some(on) = applies(attrs) else { return };
        let path = format!("{module}::{name}");
        let derives = derives(attrs);
        let declared = Declared {
            public: matches!(vis, Visibility::Public(_)),
            built: built && on,
            derived: derives.iter().any(|name| name == "Debug"),
            error: derives.iter().any(|name| name == "Error"),
            variants,
            parts,
            path: path.clone(),
        };
        let before = self.found.insert(path, declared);
        assert!(before.is_none(), "two types are {module}::{name}");
    }

    /// Types that a macro declares: only their names are known, so they must be shown.
    fn made_by_macro(&mut self, tokens: &str, module: &str, built: bool) {
        let mut words = tokens.split_whitespace().peekable();
        while let Some(word) = words.next() {
            let declares = words.next_if(|next| matches!(*next, "struct" | "enum" | "union"));
            if word != "pub" || declares.is_none() {
                continue;
            }
            let name = words.next().unwrap();
            assert!(name != "$", "{module}: a macro that makes public types of any name");
            let path = format!("{module}::{name}");
            let declared =
                Declared { path: path.clone(), public: true, built, ..Declared::default() };
            self.found.insert(path, declared);
        }
    }
}

fn parts(variant: Option<String>, fields: &Fields) -> Vec<Part> {
    let part = |field: &syn::Field| Part {
        variant: variant.clone(),
        field: field.ident.as_ref().map(ToString::to_string),
        ty: field.ty.clone(),
    };
    fields.iter().map(part).collect()
}

type Metas = Punctuated<Meta, Token![,]>;

fn derives(attrs: &[Attribute]) -> Vec<String> {
    let lists = attrs.iter().filter(|attr| attr.path().is_ident("derive"));
    let metas = lists.flat_map(|attr| attr.parse_args_with(Metas::parse_terminated).unwrap());
    metas.map(|meta| meta.path().segments.last().unwrap().ident.to_string()).collect()
}

/// Whether this build contains the item with `attrs`; `None` for items of tests.
fn applies(attrs: &[Attribute]) -> Option<bool> {
    let conditions = attrs.iter().filter(|attr| attr.path().is_ident("cfg"));
    let mut metas = conditions.map(|attr| attr.parse_args::<Meta>().unwrap());
    metas.try_fold(true, |on, meta| {
        (!meta.path().is_ident("test") && !meta.path().is_ident("doctest"))
            .then(|| on && is_on(&meta))
    })
}

fn is_on(meta: &Meta) -> bool {
    match meta {
        Meta::NameValue(pair) if pair.path.is_ident("feature") => {
            let syn::Expr::Lit(syn::ExprLit { lit: syn::Lit::Str(name), .. }) = &pair.value else {
                panic!("a feature has a name")
            };
            let known = FEATURES.iter().find(|(feature, _)| *feature == name.value());
            known.unwrap_or_else(|| panic!("feature {} is not in the list", name.value())).1
        }
        Meta::List(list) => {
            let inner = list.parse_args_with(Metas::parse_terminated).unwrap();
            match &*list.path.get_ident().unwrap().to_string() {
                "all" => inner.iter().all(is_on),
                "any" => inner.iter().any(is_on),
                "not" => !inner.iter().any(is_on),
                other => panic!("cfg({other}) is not known here"),
            }
        }
        // `doctest`, `docsrs` and similar settings.
        _ => false,
    }
}

fn files(dir: &Path) -> Vec<PathBuf> {
    let paths = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
    let mut found = Vec::new();
    for path in paths {
        if path.is_dir() {
            found.extend(files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found
}

/// The test of the test: types with room are found, wherever they are declared.
#[test]
fn types_that_can_contain_a_value_are_found() {
    let text = r#"
        #[derive(Debug)] pub struct Counts { seen: usize, word: &'static str, at: Option<Instant> }
        #[derive(Debug)] pub enum Kind { One, Two(Counts), Three { of: Vec<[Counts; 2]> } }
        #[derive(Debug)] pub struct Known(Exempt);
        #[derive(Debug)] pub struct Exempt(String);

        #[derive(Debug)] pub struct Text { seen: usize, text: Option<String> }
        #[derive(Debug)] pub struct Borrowed<'a>(&'a str);
        #[derive(Debug)] pub struct Bytes([u8; 10]);
        #[derive(Debug)] pub struct MoreBytes(Vec<u8>);
        #[derive(Debug)] pub struct Wide(u64);
        #[derive(Debug)] pub struct Anything(Arc<dyn Tracer>);
        #[derive(Debug)] pub struct Parameter<T>(T);
        #[derive(Debug)] pub enum Nested { No, Yes(Box<Text>) }
        pub struct ByHand { year: u16 }
        impl std::fmt::Debug for ByHand {}
        mod inner { #[derive(Debug, thiserror::Error)] pub struct Error { source: Box<dyn StdError> } }
        macro_rules! made { () => { pub enum Made { One } } }

        struct Private(String);
        #[cfg(test)] pub struct OfTests(String);
        #[cfg(not(all()))] pub struct NotBuilt(String);
    "#;
    let mut scan = Scan::default();
    scan.items(&syn::parse_file(text).unwrap().items, Path::new(""), "it", true);
    let source = Source::of(scan, ["it::Exempt"]);
    let demanded = source.types.iter().filter(|t| t.public && t.built && source.has_room(t));
    let demanded: Vec<_> = demanded.map(|t| t.path.trim_start_matches("it::")).collect();
    let expected = [
        "Anything",
        "Borrowed",
        "ByHand",
        "Bytes",
        "Made",
        "MoreBytes",
        "Nested",
        "Parameter",
        "Text",
        "Wide",
        "inner::Error",
    ];
    assert_eq!(demanded, expected);
    let parts = source.types.iter().find(|t| t.path == "it::Text").unwrap().parts.iter();
    assert_eq!(parts.map(|part| source.part_has_room(part)).collect::<Vec<_>>(), [false, true]);
    assert!(source.types.iter().any(|t| t.path == "it::inner::Error" && t.error));
    assert!(source.types.iter().any(|t| t.variants == ["One", "Two", "Three"]));
}

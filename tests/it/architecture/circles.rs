//! Files of one folder that need each other: none of them can be read, or changed, alone.
//!
//! A file needs another when one of its paths leads to it, through re-exports too. What a `mod.rs` and the
//! files below it have of each other does not count: the `mod.rs` is what they share.

use std::collections::{BTreeMap, BTreeSet};

use syn::visit::{self, Visit};
use syn::{Attribute, Expr, ItemImpl, ItemMod, ItemUse, Macro, Path, Token, UseTree, Visibility};

use super::{File, files, none};

/// A path as a file writes it, from its first segment.
type Segments = Vec<String>;

/// What a file says of others.
#[derive(Default)]
struct Paths {
    used: BTreeSet<Segments>,
    /// The name under which each `use` can be reached from outside, and where it leads.
    exported: Vec<(String, Segments)>,
}

impl Paths {
    fn of(text: &str) -> Self {
        let mut paths = Self::default();
        paths.visit_file(&syn::parse_file(text).expect("Rust"));
        paths
    }

    fn take_use(&mut self, tree: &UseTree, before: &Segments, is_exported: bool) {
        let mut path = before.clone();
        match tree {
            UseTree::Path(one) => {
                path.push(one.ident.to_string());
                self.take_use(&one.tree, &path, is_exported);
            }
            UseTree::Group(group) => {
                for tree in &group.items {
                    self.take_use(tree, &path, is_exported);
                }
            }
            UseTree::Name(name) => self.end(path, &name.ident.to_string(), None, is_exported),
            UseTree::Rename(name) => {
                let alias = name.rename.to_string();
                self.end(path, &name.ident.to_string(), Some(alias), is_exported);
            }
            UseTree::Glob(_) => {
                self.used.insert(path);
            }
        }
    }

    fn end(&mut self, mut path: Segments, name: &str, alias: Option<String>, is_exported: bool) {
        if name != "self" {
            path.push(name.to_owned());
        }
        if is_exported {
            let known_as = alias.or_else(|| path.last().cloned());
            self.exported
                .extend(known_as.map(|known_as| (known_as, path)));
        } else {
            self.used.insert(path);
        }
    }
}

fn is_for_tests(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        let list = attribute.meta.require_list();
        list.is_ok_and(|list| {
            let said = list.tokens.to_string();
            list.path.is_ident("cfg") && (said == "test" || said.contains("planted-bugs"))
        })
    })
}

impl<'ast> Visit<'ast> for Paths {
    fn visit_item_mod(&mut self, item: &'ast ItemMod) {
        if !is_for_tests(&item.attrs) {
            visit::visit_item_mod(self, item);
        }
    }

    fn visit_item_impl(&mut self, item: &'ast ItemImpl) {
        if !is_for_tests(&item.attrs) {
            visit::visit_item_impl(self, item);
        }
    }

    fn visit_item_use(&mut self, item: &'ast ItemUse) {
        if !is_for_tests(&item.attrs) {
            let is_exported = !matches!(item.vis, Visibility::Inherited);
            self.take_use(&item.tree, &Segments::new(), is_exported);
        }
    }

    fn visit_path(&mut self, path: &'ast Path) {
        if path.segments.len() > 1 {
            let segments = path.segments.iter();
            let segments = segments.map(|segment| segment.ident.to_string());
            self.used.insert(segments.collect());
        }
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, one: &'ast Macro) {
        let arguments = syn::punctuated::Punctuated::<Expr, Token![,]>::parse_terminated;
        for argument in one.parse_body_with(arguments).iter().flatten() {
            // The arguments live no longer than this call.
            let mut inner = Self::default();
            inner.visit_expr(argument);
            self.used.append(&mut inner.used);
        }
    }
}

/// Every module of the product, by its path.
struct Modules {
    files: BTreeMap<Segments, (String, Paths)>,
}

/// The path of the module that a file is.
fn module_of(name: &str) -> Segments {
    let mut path: Segments = name
        .trim_end_matches(".rs")
        .split('/')
        .map(str::to_owned)
        .collect();
    if matches!(
        path.last().map(String::as_str),
        Some("mod" | "lib" | "main")
    ) {
        path.pop();
    }
    path
}

impl Modules {
    fn of(files: impl IntoIterator<Item = File>) -> Self {
        let product = files.into_iter().filter(|file| !file.test);
        Self {
            files: product
                .map(|file| {
                    let paths = Paths::of(&file.text);
                    (module_of(&file.name), (file.name, paths))
                })
                .collect(),
        }
    }

    /// The module that a path leads to, as written in module `here`.
    fn resolve(&self, path: &[String], here: &Segments, depth: usize) -> Option<Segments> {
        let mut module = here.clone();
        let mut rest = path.iter().peekable();
        match rest.peek()?.as_str() {
            "crate" => {
                rest.next();
                module.clear();
            }
            "self" => {
                rest.next();
            }
            "super" => {}
            first => {
                let inner = [here.as_slice(), &[first.to_owned()]].concat();
                self.files.get(&inner)?;
            }
        }
        while rest.next_if(|name| *name == "super").is_some() {
            module.pop();
        }
        while let Some(name) = rest.peek() {
            let inner = [module.as_slice(), &[(*name).clone()]].concat();
            if !self.files.contains_key(&inner) {
                break;
            }
            module = inner;
            rest.next();
        }
        let (_, paths) = self.files.get(&module)?;
        let exported = rest.next().and_then(|name| {
            let found = paths.exported.iter().find(|(known_as, _)| known_as == name);
            found.filter(|_| depth > 0)
        });
        match exported {
            Some((_, path)) => self.resolve(path, &module, depth - 1).or(Some(module)),
            None => Some(module),
        }
    }

    /// Which modules each one needs, but for those that it is in and those that are in it.
    fn needs(&self) -> BTreeMap<&Segments, BTreeSet<Segments>> {
        let needs = self.files.iter().map(|(module, (_, paths))| {
            let exported = paths.exported.iter().map(|(_, path)| path);
            let needed = paths.used.iter().chain(exported);
            let needed = needed
                .filter_map(|path| self.resolve(path, module, 8))
                .filter(|needed| !needed.starts_with(module) && !module.starts_with(needed));
            (module, needed.collect())
        });
        needs.collect()
    }

    /// Every circle, as the names of its files.
    fn circles(&self) -> Vec<String> {
        let needs = self.needs();
        let reached = |from: &Segments| {
            let mut seen = BTreeSet::new();
            let mut next: Vec<&Segments> = needs[from].iter().collect();
            while let Some(module) = next.pop() {
                if seen.insert(module) {
                    next.extend(&needs[module]);
                }
            }
            seen
        };
        let reached: BTreeMap<&Segments, BTreeSet<&Segments>> = needs
            .keys()
            .map(|module| (*module, reached(module)))
            .collect();
        let circles: BTreeSet<Vec<&str>> = reached
            .iter()
            .filter(|(module, reaches)| reaches.contains(**module))
            .map(|(module, reaches)| {
                let circle = reaches
                    .iter()
                    .filter(|other| reached[**other].contains(*module));
                circle.map(|other| self.files[*other].0.as_str()).collect()
            })
            .collect();
        circles
            .into_iter()
            .map(|circle| circle.join(", "))
            .collect()
    }
}

#[test]
fn no_two_files_need_each_other() {
    none("circles", &Modules::of(files()).circles());
}

#[test]
fn the_reader_of_circles_sees_every_form() {
    let file = |name: &str, text: &str| File {
        name: name.to_owned(),
        text: text.to_owned(),
        test: false,
        declared: true,
    };
    let circles = |files: Vec<File>| Modules::of(files).circles();
    let top = || {
        file(
            "top/mod.rs",
            "mod a; mod b; pub use b::{B as C}; pub const D: u8 = 0;",
        )
    };
    let b = |text: &str| file("top/b.rs", text);
    let needs_b = [
        "use super::b::B;",
        "use crate::top::{C, D};",
        "fn f() { super::b::g() }",
        "fn f() -> String { format!(\"{}\", crate::top::b::g()) }",
        "use super::b as x;",
        "use super::b::*;",
    ];
    for text in needs_b {
        let found = circles(vec![
            top(),
            file("top/a.rs", text),
            b("fn g() { super::a::f() }"),
        ]);
        assert_eq!(found, ["top/a.rs, top/b.rs"], "{text}");
    }
    let needs_no_b = [
        "use super::D;",
        "use other::b::B;",
        "#[cfg(test)]\nmod tests { use super::super::b::B; }",
        "/// [`super::b::B`]\nfn f() {}",
    ];
    for text in needs_no_b {
        let found = circles(vec![
            top(),
            file("top/a.rs", text),
            b("fn g() { super::a::f() }"),
        ]);
        assert!(found.is_empty(), "{text}: {found:?}");
    }
}

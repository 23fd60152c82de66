//! The macro that declares a section of the configuration, and what it derives.
//!
//! It knows nothing of any key: those stand in `schema.rs`.

use super::error::Problem;
use super::setting::Given;

/// What is known of a key.
#[derive(Debug, Clone)]
pub(crate) struct Key {
    /// Its name within its section.
    pub(crate) name: &'static str,
    /// Its type in words.
    pub(crate) kind: &'static str,
    /// Its default as TOML.
    pub(crate) default: String,
    /// The values that it may have.
    pub(crate) range: Option<String>,
    /// What it means.
    pub(crate) about: &'static str,
    /// Whether there is no default.
    pub(crate) required: bool,
    /// Whether a running gateway keeps the value that it started with.
    pub(crate) restart: bool,
}

/// A struct whose fields are keys.
pub(crate) trait Section {
    /// Every key, in the order of its declaration.
    fn keys(&self) -> Vec<Key>;

    /// Sets a key.
    ///
    /// # Errors
    /// `Unknown` where there is no such key (without the nearest: the caller knows all sections),
    /// `Unfit` where it cannot have that value.
    fn assign(&mut self, key: &str, given: Given<'_>) -> Result<(), Problem>;

    /// The value of a key as TOML; `None` where there is no such key.
    fn render(&self, key: &str) -> Option<String>;

    /// The keys whose values are others there.
    fn changed(&self, other: &Self) -> Vec<&'static str>
    where
        Self: Sized;

    /// Takes the values of the keys that need a restart from `old`.
    fn keep(&mut self, old: &Self)
    where
        Self: Sized;
}

/// Declares a section: the struct, its defaults, and its [`Section`].
///
/// Each key is `name: Type = default`, with `, in RANGE` where a range is checked, and `=> required`
/// where the key must be given, and `=> restart` where a running gateway keeps the value it started with. `sections` are structs of their own, `lists` are tables that repeat.
macro_rules! section {
    (
        $(#[doc = $about:literal])+
        pub struct $Section:ident {
            $(
                $(#[doc = $doc:literal])+
                $key:ident: $Type:ty = $default:expr $(, in $range:expr)? $(=> $flag:ident)?;
            )*
        }
        $(sections {
            $( $(#[doc = $inner_doc:literal])+ $inner:ident: $Inner:ty; )*
        })?
        $(lists {
            $( $(#[doc = $list_doc:literal])+ $list:ident: $List:ty; )*
        })?
    ) => {
        $(#[doc = $about])+
        #[derive(Debug, Clone, PartialEq)]
        pub struct $Section {
            $( $(#[doc = $doc])+ pub $key: $Type, )*
            $(
                $( $(#[doc = $inner_doc])+ pub $inner: $Inner, )*
            )?
            $(
                $( $(#[doc = $list_doc])+ pub $list: $List, )*
            )?
        }

        impl Default for $Section {
            fn default() -> Self {
                Self {
                    $( $key: $default, )*
                    $(
                        $( $inner: Default::default(), )*
                    )?
                    $(
                        $( $list: Default::default(), )*
                    )?
                }
            }
        }

        impl $crate::config::section::Section for $Section {
            fn keys(&self) -> Vec<$crate::config::section::Key> {
                use $crate::config::setting::Setting;
                let shipped = Self::default();
                vec![$( $crate::config::section::Key {
                    name: stringify!($key),
                    kind: <$Type as Setting>::KIND,
                    default: Setting::render(&shipped.$key),
                    range: section!(@range $Type $(, $range)?),
                    about: concat!($($doc, "\n"),+),
                    required: section!(@required $($flag)?),
                    restart: section!(@restart $($flag)?),
                } ),*]
            }

            fn assign(
                &mut self,
                key: &str,
                given: $crate::config::setting::Given<'_>,
            ) -> Result<(), $crate::config::error::Problem> {
                use $crate::config::error::Problem;
                match key {
                    $( stringify!($key) => {
                        self.$key = section!(@take given, $Type $(, $range)?).map_err(Problem::Unfit)?;
                    } )*
                    _ => return Err(Problem::Unknown { nearest: None }),
                }
                Ok(())
            }

            fn render(&self, key: &str) -> Option<String> {
                match key {
                    $( stringify!($key) => {
                        Some($crate::config::setting::Setting::render(&self.$key))
                    } )*
                    _ => None,
                }
            }

            fn changed(&self, other: &Self) -> Vec<&'static str> {
                let keys = [$( (stringify!($key), self.$key != other.$key) ),*];
                keys.into_iter().filter(|(_, differs)| *differs).map(|(key, _)| key).collect()
            }

            fn keep(&mut self, old: &Self) {
                $( if section!(@restart $($flag)?) {
                    self.$key = old.$key.clone();
                } )*
            }
        }

        $(impl $Section {
            /// The keys whose values are others there, each with its section (empty at the top); lists left out.
            pub(crate) fn changed_keys(&self, other: &Self) -> Vec<(&'static str, &'static str)> {
                use $crate::config::section::Section;
                let top = self.changed(other).into_iter().map(|key| ("", key));
                let mut all: Vec<(&'static str, &'static str)> = top.collect();
                $( all.extend(
                    self.$inner.changed(&other.$inner).into_iter().map(|key| (stringify!($inner), key)),
                ); )*
                all
            }

            /// Takes the values of all keys that need a restart from `old`.
            pub(crate) fn keep_all(&mut self, old: &Self) {
                use $crate::config::section::Section;
                self.keep(old);
                $( self.$inner.keep(&old.$inner); )*
            }

            /// Every section: its name, what it is about, its values.
            pub(crate) fn sections(
                &self,
            ) -> Vec<(&'static str, &'static str, &dyn $crate::config::section::Section)> {
                vec![$( (stringify!($inner), concat!($($inner_doc, "\n"),+), &self.$inner) ),*]
            }

            /// The section of that name.
            pub(crate) fn section_mut(
                &mut self,
                name: &str,
            ) -> Option<&mut dyn $crate::config::section::Section> {
                match name {
                    $( stringify!($inner) => Some(&mut self.$inner), )*
                    _ => None,
                }
            }
        })?
    };
    (@range $Type:ty) => { None };
    (@range $Type:ty, $range:expr) => {
        Some($crate::config::setting::render_range::<$Type>(&($range)))
    };
    (@take $given:ident, $Type:ty) => { $given.take::<$Type>() };
    (@take $given:ident, $Type:ty, $range:expr) => { $given.take_within::<$Type>(&($range)) };
    (@required) => { false };
    (@required required) => { true };
    (@required restart) => { false };
    (@restart) => { false };
    (@restart restart) => { true };
    (@restart required) => { false };
}

pub(crate) use section;

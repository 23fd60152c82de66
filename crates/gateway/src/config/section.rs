//! The macro that declares a section of the configuration.
//!
//! It knows nothing of any key: those stand in `schema.rs`.

/// Declares a section: the struct and its defaults.
///
/// Each key is `name: Type = default`, with `, in RANGE` where a range is checked, and `=> required`
/// where the key must be given.
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
    ) => {
        $(#[doc = $about])+
        #[derive(Debug, Clone, PartialEq)]
        pub struct $Section {
            $( $(#[doc = $doc])+ pub $key: $Type, )*
            $($( $(#[doc = $inner_doc])+ pub $inner: $Inner, )*)?
        }

        impl Default for $Section {
            fn default() -> Self {
                Self {
                    $( $key: $default, )*
                    $($( $inner: Default::default(), )*)?
                }
            }
        }
    };
}

pub(crate) use section;

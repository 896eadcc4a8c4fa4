"""What lies on disk: the store, downloads, archives and weights."""

from emoest.utils.lazy import lazy_names

__getattr__, __dir__, __all__ = lazy_names(
    __name__,
    {
        "Store": "emoest.files.store",
        "cache_folder": "emoest.files.folders",
        "unpack": "emoest.files.archives",
    },
)

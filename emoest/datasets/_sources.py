"""Where the corpora that may be downloaded are, and what is known about their files.

A digest of None is one that nobody told: `emoest.datasets._fetch` then takes it from the user, or
warns.
"""

from dataclasses import dataclass

from emoest.utils.download import RemoteFile

_MELD = (
    "https://raw.githubusercontent.com/declare-lab/MELD/"
    "2d2011b409d3ca2d7e94460cd007d434b1d0a102/data/MELD/"
)
_GOEMOTIONS = (
    "https://raw.githubusercontent.com/monologg/GoEmotions-pytorch/"
    "b75f9d3a8b76bc1060687925b04ca98a1b8ea66b/data/original/"
)


@dataclass(frozen=True)
class Source:
    """Where a corpus is downloaded from.

    Parameters
    ----------
    files : tuple of RemoteFile
        The files. One that is an archive is unpacked, others are kept as they are.
    is_archive : bool
        Whether the files are archives.
    max_bytes : int
        How large the archive may be when it is unpacked.
    origin : str
        Whose copy it is, and who told the digests.
    """

    files: tuple[RemoteFile, ...]
    is_archive: bool
    max_bytes: int
    origin: str


SOURCES: dict[str, Source] = {
    "ravdess": Source(
        files=(
            RemoteFile(
                "https://zenodo.org/records/1188976/files/Audio_Speech_Actors_01-24.zip",
                digest="md5:bc696df654c87fed845eb13823edef8a",
                size=208_468_073,
            ),
        ),
        is_archive=True,
        max_bytes=2 * 2**30,
        origin="The authors' record, speech without video; the record gives an MD5, no SHA-256.",
    ),
    "emodb": Source(
        files=(RemoteFile("http://emodb.bilderbar.info/download/download.zip"),),
        is_archive=True,
        max_bytes=2**30,
        origin="The authors' site, which gives neither digest nor size and uses plain HTTP.",
    ),
    "meld": Source(
        files=(
            RemoteFile(
                f"{_MELD}train_sent_emo.csv",
                digest="d2fa2d6529cf03cac2989efec05c9b27d8fd2f4c8fc5974c7ae88aa537fa02db",
                size=1_119_290,
            ),
            RemoteFile(
                f"{_MELD}dev_sent_emo.csv",
                digest="2e89c6f8aa182d6f62f8c6331aece905ac7273ca4999660bfb5213e1d0370c1c",
                size=121_640,
            ),
            RemoteFile(f"{_MELD}test_sent_emo.csv"),
        ),
        is_archive=False,
        max_bytes=2**26,
        origin="The authors' repository at a fixed commit; the digest of the test table is "
        "unknown.",
    ),
    "goemotions": Source(
        files=(
            RemoteFile(
                f"{_GOEMOTIONS}train.tsv",
                digest="1c254a142be5c00e80d819b9ae1bbd36d94b2eeb8f4b1271846508d57e57d9c5",
                size=3_519_053,
            ),
            RemoteFile(
                f"{_GOEMOTIONS}dev.tsv",
                digest="575489c079c9de1097062a01738f998590d6b7ead66dd1c9fd1d2ba01fd8bc62",
                size=439_059,
            ),
            RemoteFile(f"{_GOEMOTIONS}test.tsv"),
            RemoteFile(
                f"{_GOEMOTIONS}labels.txt",
                digest="45c3ef86782d2a4d7fedcd6d8c111aa0d0e94720689bd164fac94fefb4495a89",
                size=248,
            ),
        ),
        is_archive=False,
        max_bytes=2**26,
        origin="A public re-implementation's copy of the authors' tables, at a fixed commit; the "
        "digest of the test table is unknown.",
    ),
}
"""The sources, by the corpus' short name."""

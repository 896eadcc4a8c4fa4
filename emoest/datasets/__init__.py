"""A corpus on disk, fetched or generated -> (X, y): loaders, their records and their protocols.

`load_*` read a corpus from disk, `load_table` and `load_folder` your own, and `fetch_*` download
those that may be downloaded. `make_emotions`, `make_face_eeg_trials`, `make_mosi_sequences` and
`make_stories` generate corpora from which one can learn. `MultiTarget`, of `emoest.multioutput`,
can be imported from here.

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

from typing import Any

from emoest.utils.lazy import lazy_names

_load, __dir__, __all__ = lazy_names(
    __name__,
    {
        "CorpusRecord": "emoest.datasets._reading.record",
        "EmoBoxFolds": "emoest.datasets._splits",
        "IncompleteCorpusWarning": "emoest.datasets._reading.files",
        "LeaveOneSessionOut": "emoest.datasets._splits",
        "LeaveOneSpeakerOut": "emoest.datasets._splits",
        "OfficialSplit": "emoest.datasets._splits",
        "UnlabeledRowsWarning": "emoest.datasets._reading.rows",
        "UnverifiedDownloadWarning": "emoest.datasets._fetching.fetch",
        "check_corpus": "emoest.datasets._own.check",
        "corpora_folder": "emoest.datasets._fetching.folders",
        "corpus_record": "emoest.datasets._reading.record",
        "corpus_state": "emoest.datasets._fetching.folders",
        "fetch_corpus": "emoest.datasets._fetching.fetch",
        "fetch_cremad": "emoest.datasets._fetching.fetch",
        "fetch_emodb": "emoest.datasets._fetching.fetch",
        "fetch_goemotions": "emoest.datasets._fetching.fetch",
        "fetch_isear": "emoest.datasets._fetching.fetch",
        "fetch_meld": "emoest.datasets._fetching.fetch",
        "fetch_ravdess": "emoest.datasets._fetching.fetch",
        "list_corpora": "emoest.datasets._reading.corpora",
        "load_compare2020": "emoest.datasets._corpora.compare2020",
        "load_cremad": "emoest.datasets._corpora.cremad",
        "load_emobox": "emoest.datasets._emobox",
        "load_emodb": "emoest.datasets._corpora.emodb",
        "load_emorynlp": "emoest.datasets._corpora.emorynlp",
        "load_fer2013": "emoest.datasets._corpora.fer2013",
        "load_ferplus": "emoest.datasets._corpora.ferplus",
        "load_folder": "emoest.datasets._own.folder",
        "load_goemotions": "emoest.datasets._corpora.goemotions",
        "load_iemocap": "emoest.datasets._corpora.iemocap",
        "load_isear": "emoest.datasets._corpora.isear",
        "load_meld": "emoest.datasets._corpora.meld",
        "load_mfn_sequences": "emoest.datasets._corpora.mfn_sequences",
        "load_mosei": "emoest.datasets._corpora.mosei",
        "load_mosi": "emoest.datasets._corpora.mosi",
        "load_mosi_features": "emoest.datasets._corpora.mosi_features",
        "load_msp_improv": "emoest.datasets._corpora.msp_improv",
        "load_ravdess": "emoest.datasets._corpora.ravdess",
        "load_ravdess_av_features": "emoest.datasets._corpora.ravdess_av",
        "load_seed4": "emoest.datasets._corpora.seed4",
        "load_table": "emoest.datasets._own.table",
        "make_compare2020_like": "emoest.datasets._generated.like_speech_corpora",
        "make_cremad_like": "emoest.datasets._generated.like_speech_corpora",
        "make_emotions": "emoest.datasets._generated.emotions",
        "make_face_eeg_trials": "emoest.datasets._generated.face_eeg_trials",
        "make_fer2013_like": "emoest.datasets._generated.like_face_and_eeg_corpora",
        "make_iemocap_like": "emoest.datasets._generated.like_speech_corpora",
        "make_mosi_sequences": "emoest.datasets._generated.mosi_sequences",
        "make_msp_improv_like": "emoest.datasets._generated.like_speech_corpora",
        "make_seed4_like": "emoest.datasets._generated.like_face_and_eeg_corpora",
        "make_stories": "emoest.datasets._generated.stories",
    },
)


def __getattr__(name: str) -> Any:
    # Public in emoest.multioutput, and importable from here as it was before.
    if name == "MultiTarget":
        from emoest.multioutput import MultiTarget

        return MultiTarget
    return _load(name)

"""The corpora, by name: what a list of them needs, without loading what reads them."""

from dataclasses import dataclass


@dataclass(frozen=True)
class ListedCorpus:
    """One line of the list.

    Parameters
    ----------
    title : str
        Full name, as the record has it.
    access : {"free", "licensed", "generated"}
        ``"free"`` if anyone may download it, ``"licensed"`` if its owner has to be asked.
    function : str
        The function of `emoest.datasets` that gives it.
    module : str
        Where its record is, below ``emoest.datasets``.
    """

    title: str
    access: str
    function: str
    module: str


CORPORA = {
    "compare2020": ListedCorpus(
        "USoMS-e, Elderly Emotion sub-challenge of ComParE 2020",
        "licensed",
        "load_compare2020",
        "_corpora.compare2020",
    ),
    "cremad": ListedCorpus(
        "CREMA-D, Crowd-sourced Emotional Multimodal Actors Dataset",
        "free",
        "load_cremad",
        "_corpora.cremad",
    ),
    "emodb": ListedCorpus(
        "EmoDB, Berlin Database of Emotional Speech",
        "free",
        "load_emodb",
        "_corpora.emodb",
    ),
    "emorynlp": ListedCorpus(
        "EmoryNLP Emotion Detection",
        "free",
        "load_emorynlp",
        "_corpora.emorynlp",
    ),
    "emotions": ListedCorpus(
        "Toy corpus of three modalities",
        "generated",
        "make_emotions",
        "_generated.emotions",
    ),
    "face_eeg_trials": ListedCorpus(
        "Generated trials of faces and EEG",
        "generated",
        "make_face_eeg_trials",
        "_generated.face_eeg_trials",
    ),
    "fer2013": ListedCorpus(
        "FER2013, the facial expression challenge of ICML 2013",
        "licensed",
        "load_fer2013",
        "_corpora.fer2013",
    ),
    "ferplus": ListedCorpus(
        "FER+, FER2013 with the votes of ten people per image",
        "licensed",
        "load_ferplus",
        "_corpora.ferplus",
    ),
    "goemotions": ListedCorpus(
        "GoEmotions",
        "free",
        "load_goemotions",
        "_corpora.goemotions",
    ),
    "iemocap": ListedCorpus(
        "IEMOCAP, Interactive Emotional Dyadic Motion Capture Database",
        "licensed",
        "load_iemocap",
        "_corpora.iemocap",
    ),
    "isear": ListedCorpus(
        "ISEAR, International Survey on Emotion Antecedents and Reactions",
        "free",
        "load_isear",
        "_corpora.isear",
    ),
    "meld": ListedCorpus(
        "MELD, Multimodal EmotionLines Dataset",
        "free",
        "load_meld",
        "_corpora.meld",
    ),
    "mfn_mmmo": ListedCorpus(
        "ICT-MMMO, sequences of the MFN paper",
        "free",
        "load_mfn_sequences",
        "_corpora.mfn_sequences",
    ),
    "mfn_youtube": ListedCorpus(
        "YouTube opinions, sequences of the MFN paper",
        "free",
        "load_mfn_sequences",
        "_corpora.mfn_sequences",
    ),
    "mosei": ListedCorpus(
        "CMU-MOSEI, Multimodal Opinion Sentiment and Emotion Intensity",
        "licensed",
        "load_mosei",
        "_corpora.mosei",
    ),
    "mosi": ListedCorpus(
        "CMU-MOSI, Multimodal Opinion-level Sentiment Intensity",
        "licensed",
        "load_mosi",
        "_corpora.mosi",
    ),
    "mosi_features": ListedCorpus(
        "CMU-MOSI, vectors per utterance of the bc-LSTM paper",
        "free",
        "load_mosi_features",
        "_corpora.mosi_features",
    ),
    "mosi_sequences": ListedCorpus(
        "Generated opinions with the schema of CMU-MOSI",
        "generated",
        "make_mosi_sequences",
        "_generated.mosi_sequences",
    ),
    "msp_improv": ListedCorpus(
        "MSP-IMPROV, an acted corpus of dyadic interactions",
        "licensed",
        "load_msp_improv",
        "_corpora.msp_improv",
    ),
    "ravdess": ListedCorpus(
        "RAVDESS, Ryerson Audio-Visual Database of Emotional Speech and Song",
        "free",
        "load_ravdess",
        "_corpora.ravdess",
    ),
    "ravdess_av_features": ListedCorpus(
        "RAVDESS, acoustic and facial features per clip",
        "free",
        "load_ravdess_av_features",
        "_corpora.ravdess_av",
    ),
    "seed4": ListedCorpus(
        "SEED-IV, SJTU Emotion EEG Dataset with four emotions",
        "licensed",
        "load_seed4",
        "_corpora.seed4",
    ),
    "stories": ListedCorpus(
        "Generated stories with the schema of USoMS-e (ComParE 2020 Elderly)",
        "generated",
        "make_stories",
        "_generated.stories",
    ),
}
"""Compared with the records by a test."""


def list_corpora() -> list[str]:
    """List the short names of the corpora that emoest can load or make.

    Returns
    -------
    names : list of str
        In alphabetical order.

    Examples
    --------
    >>> "emodb" in list_corpora()
    True
    """
    return sorted(CORPORA)

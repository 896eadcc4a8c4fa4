"""Deep estimators: nets trained through skorch, with fit / transform / predict."""

from emoest.nets.weight_files.trunk_weights import TrunkWeights
from emoest.neural._eegnet import EEGNetClassifier
from emoest.neural._grad_cam import grad_cam, plot_grad_cam
from emoest.neural._image_cnn import FaceCNNClassifier
from emoest.neural._m3er import M3ERClassifier
from emoest.neural._memobert.classifier import MEmoBERTClassifier
from emoest.neural._memobert.pretrainer import MEmoBERTPretrainer
from emoest.neural._mfn import MFNClassifier, MFNRegressor
from emoest.neural._sequence import SequenceClassifier, SequenceRegressor
from emoest.neural._speaker_pretrainer import SpeakerPretrainer
from emoest.neural._speaker_trunks import load_speaker_weights
from emoest.neural._speech_resnet import SpeechResNetClassifier
from emoest.neural._unimse.classifier import UniMSEClassifier
from emoest.neural._unimse.labeler import UniversalLabeler
from emoest.neural._unimse.regressor import UniMSERegressor

__all__ = [
    "EEGNetClassifier",
    "FaceCNNClassifier",
    "M3ERClassifier",
    "MEmoBERTClassifier",
    "MEmoBERTPretrainer",
    "MFNClassifier",
    "MFNRegressor",
    "SequenceClassifier",
    "SequenceRegressor",
    "SpeakerPretrainer",
    "SpeechResNetClassifier",
    "TrunkWeights",
    "UniMSEClassifier",
    "UniMSERegressor",
    "UniversalLabeler",
    "grad_cam",
    "load_speaker_weights",
    "plot_grad_cam",
]

import ast
import hashlib
import pickle
import subprocess
import sys

import numpy as np
import pytest

from emoest.nets.cross_modal.pieces import Pieces, Template
from tests.nets.cross_modal.helpers import LABELS, TEXTS, learn_pieces, save_bert


def shown(pieces, cell):
    return [pieces.word(i) for i in cell[:, 0]]


def test_pieces_of_a_word_know_that_they_are_together():
    pieces = learn_pieces(vocab_size=90)
    ids, words = pieces.encode("happy, unheard-of mornings")
    assert words.max() == 2
    assert [pieces.word(i) for i in ids[words == 0]] == ["happy", ","]
    assert (words == 1).sum() > 3


def test_a_learned_vocabulary_has_the_label_words_whatever_its_size():
    pieces = Pieces.learn(["a b"], ["Frustration"], 1)
    assert pieces.word(pieces.label_id("frustration")) == "frustration"
    assert all(len(pieces.encode(word)[0]) == 1 for word in ("I", "am", ".", "?", "!"))


def test_a_learned_vocabulary_is_the_same_in_every_process():
    code = (
        "from tests.nets.cross_modal.helpers import learn_pieces; import hashlib;"
        "print(hashlib.sha256(learn_pieces().tokenizer.encode()).hexdigest())"
    )
    there = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    here = hashlib.sha256(learn_pieces().tokenizer.encode()).hexdigest()
    assert there.stdout.strip() == here


def test_a_transcript_cannot_smuggle_special_pieces_in():
    pieces = learn_pieces()
    cell = Template("{text} I am [MASK] .", prompt=True).fill("[MASK] [SEP] [CLS]", pieces)
    assert (cell[:, 0] == pieces.id_of("mask")).sum() == 1
    assert (cell[:, 0] == pieces.id_of("sep")).sum() == 1


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("I hate this", "[CLS] i hate this . i am [MASK] . [SEP]"),
        ("I hate this!", "[CLS] i hate this ! i am [MASK] . [SEP]"),
        (" I hate this? ", "[CLS] i hate this ? i am [MASK] . [SEP]"),
        (None, "[CLS] i am [MASK] . [SEP]"),
    ],
)
def test_the_prompt_is_that_of_the_paper(text, expected):
    pieces = learn_pieces()
    cell = Template("{text} I am [MASK] .", prompt=True).fill(text, pieces)
    assert " ".join(shown(pieces, cell)) == expected
    assert cell.dtype == np.float32
    specials = [i for i, piece in enumerate(shown(pieces, cell)) if piece.startswith("[")]
    assert (np.flatnonzero(cell[:, 1] == -1) == specials).all()


def test_a_long_transcript_is_cut_and_the_prompt_stays():
    pieces = learn_pieces()
    template = Template("{text} I am [MASK] .", prompt=True)
    cell = template.fill(TEXTS[0] * 5, pieces, limit=4)
    assert shown(pieces, cell)[-5:] == ["i", "am", "[MASK]", ".", "[SEP]"]
    # The added full stop costs no piece.
    assert len(cell) == 1 + 4 + 1 + 5
    assert shown(pieces, cell)[1:6] == ["i", "am", "so", "happy", "."]


@pytest.mark.parametrize(
    ("text", "limit", "expected"),
    [
        ("so sad", 2, "[CLS] so sad . i am [MASK] . [SEP]"),
        ("so sad", 1, "[CLS] so . i am [MASK] . [SEP]"),
        ("so sad .", 3, "[CLS] so sad . i am [MASK] . [SEP]"),
        ("so sad.", 2, "[CLS] so sad . i am [MASK] . [SEP]"),
        (" ", 1, "[CLS] i am [MASK] . [SEP]"),
    ],
)
def test_the_full_stop_that_a_prompt_adds_costs_no_piece(text, limit, expected):
    pieces = Pieces.learn(["so sad"], (), 100)
    cell = Template("{text} I am [MASK] .", prompt=True).fill(text, pieces, limit)
    assert " ".join(shown(pieces, cell)) == expected


def test_a_prompt_may_stand_in_front():
    pieces = learn_pieces()
    cell = Template("I am [MASK], {text}", prompt=True).fill("he was sad", pieces)
    assert " ".join(shown(pieces, cell)) == "[CLS] i am [MASK] , he was sad [SEP]"


@pytest.mark.parametrize("template", ["{text} I am .", "{text} [MASK] or [MASK]"])
def test_a_template_without_its_mask_is_said(template):
    with pytest.raises(ValueError, match=r"needs \[MASK\] once"):
        Template(template, prompt=True)


def test_a_template_without_its_text_is_said():
    with pytest.raises(ValueError, match=r"needs \{text\} once"):
        Template("I am [MASK] .", prompt=True)


def test_a_label_word_of_several_pieces_is_named_and_another_proposed():
    message = r"'happily' is \d pieces .*h, ##a, .*verbalizer={3: 'happy'}"
    with pytest.raises(ValueError, match=message):
        learn_pieces().label_ids({2: "sad", 3: "happily"})


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ({0: "happy", 1: "Happy"}, r"classes 0 and 1 have the same label word.*'happy'"),
        ({"a": "sad", "b": "sad"}, "classes 'a' and 'b' have the same label word"),
        ({"a": "happy", "b": "happily"}, "'happily' is"),
        ({"a": "happy sad"}, "'happy sad' is 2 pieces"),
        ({"a": ""}, "'' is 0 pieces"),
        ({"a": "\u4f60"}, r"is 1 pieces in this tokenizer \(\[UNK\]\)"),
    ],
)
def test_no_word_is_proposed_that_cannot_be_taken(words, message):
    pieces = learn_pieces()
    with pytest.raises(ValueError, match=message) as said:
        pieces.label_ids(words)
    [(label, proposed)] = ast.literal_eval(str(said.value).split("verbalizer=")[1][:-1]).items()
    assert label == list(words)[-1]
    assert len(proposed) > 2
    assert pieces.label_ids({**words, label: proposed})


def test_the_unknown_piece_is_that_of_the_tokenizer():
    pieces = learn_pieces()
    other = Pieces(pieces.tokenizer.replace("[UNK]", "<unk>"), pieces.special)
    with pytest.raises(ValueError, match=r"is 1 pieces in this tokenizer \(<unk>\)"):
        other.label_ids({"a": "\u4f60"})


def test_a_tokenizer_comes_back_from_pickle_and_json():
    pieces = learn_pieces()
    for copy in (pickle.loads(pickle.dumps(pieces)), Pieces.from_json(pieces.to_json())):
        assert copy.encode(TEXTS[1])[0].tolist() == pieces.encode(TEXTS[1])[0].tolist()
        assert copy.special == pieces.special


def test_the_tokenizer_of_a_folder_is_read(tmp_path):
    pieces = learn_pieces()
    save_bert(tmp_path, pieces)
    read = Pieces.read(tmp_path)
    assert read.encode(TEXTS[2])[0].tolist() == pieces.encode(TEXTS[2])[0].tolist()
    assert read.id_of("mask") == pieces.id_of("mask")


def test_texts_are_not_padded_where_the_file_asks_for_it(tmp_path):
    pieces = learn_pieces()
    pieces._fast.enable_padding(length=128)
    padded = Pieces(pieces._fast.to_str())
    assert len(padded.encode("so sad")[0]) < 10
    assert all(padded.label_id(word) >= 0 for word in LABELS)


def test_without_the_library_of_tokenizers_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "tokenizers", None)
    with pytest.raises(
        ImportError, match=r"MEmoBERT needs the package 'tokenizers'.*emoest\[text\]"
    ):
        Pieces.learn(TEXTS)

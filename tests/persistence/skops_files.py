"""Files of a system with other contents, as somebody hostile would make them."""

import json
import zipfile

import numpy as np
from sklearn.linear_model import LogisticRegression

from emoest.persistence import save_system

X = np.array([[0.0], [1.0], [2.0], [3.0]])
Y = np.array(["sad", "sad", "glad", "glad"])


def saved(path, model=None):
    """A file as it should be."""
    save_system(LogisticRegression().fit(X, Y) if model is None else model, path)
    return path


def rewritten(path, changes, *, compression=zipfile.ZIP_STORED, without=()):
    """The same archive with other contents of some members, or without them."""
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    members |= changes
    with zipfile.ZipFile(path, "w", compression=compression) as archive:
        for name, content in members.items():
            if name not in without:
                archive.writestr(name, content)
    return path


def with_node(path, node):
    """A file whose model is a tree of skops of the caller's."""
    schema = {"protocol": 2, "_skops_version": "0.16.0"} | node
    return rewritten(saved(path), {"schema.json": json.dumps(schema)})


def node(loader, name, **content):
    """One node of skops, for a dotted name."""
    module, _, kind = name.rpartition(".")
    return {"__class__": kind, "__module__": module, "__loader__": loader} | content


def text(value):
    return node("JsonNode", "builtins.str", content=json.dumps(value), is_json=True)


def list_of(*nodes, kind="builtins.list"):
    return node("ListNode", kind, content=list(nodes))


def called(name, *values):
    """What makes skops call a name with texts, if it trusts the name."""
    arguments = node("TupleNode", "builtins.tuple", content=[text(value) for value in values])
    return node("ConstructorFromReduceNode", name, content=arguments)

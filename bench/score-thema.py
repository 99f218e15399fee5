"""Perplexities of thema's models by the common scorer, one a line: score-thema.py SHARED DATA_FOLDER MODEL…

phi is what the model reads its topics by, up to the sum of each: of lambda as the file's read-out says, or beta where
topics are points.
"""
import json
import sys

import numpy as np
from scipy.special import digamma

shared, folder, *models = sys.argv[1:]
sys.path.insert(0, f"{shared}/bench")
from score import Scorer

score = Scorer(folder)
for path in models:
    with open(path, "rb") as file:
        header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
        first = file.tell()

        def array(name):
            begin, end = header[name]["data_offsets"]
            file.seek(first + begin)
            return np.frombuffer(file.read(end - begin), "<f8").reshape(header[name]["shape"])

        topics = array("lambda" if "lambda" in header else "beta")
        read_out = json.loads(header["__metadata__"]["thema.record"]).get("readOut", {}).get("by")
        if read_out == "plug-in":
            eta = array("eta")[0]
            topics = topics - eta + (eta - 0.5 if eta > 0.5 else 0.03)
        elif read_out == "exp-log":
            topics = np.exp(digamma(topics) - digamma(topics.sum(axis=1, keepdims=True)))
        print(f"{score(topics, array('alpha')):.1f}")

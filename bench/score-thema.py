"""Perplexities of thema's models by the common scorer, one a line: score-thema.py SHARED DATA_FOLDER MODEL…

phi is the model's E[beta]: each row of lambda over its sum, or beta where topics are points.
"""
import json
import sys

import numpy as np

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
        print(f"{score(topics, array('alpha')):.1f}")

"""Seconds of an epoch of topica's ProdLDA: vae.py SHARED DATA_FOLDER K"""
import sys
import time

import topica

shared, folder, k = sys.argv[1:]
sys.path.insert(0, f"{shared}/bench")
from score import read_ldac

indptr, term, count = read_ldac(f"{folder}/train.ldac")
corpus = topica.Corpus.from_documents([
    [f"w{term[i]}" for i in range(indptr[d], indptr[d + 1]) for _ in range(int(count[i]))]
    for d in range(len(indptr) - 1)
])


def seconds(epochs):
    model = topica.ProdLDA(int(k), hidden_size=100, batch_size=200, seed=1)
    begun = time.perf_counter()
    model.fit(corpus, iters=epochs)
    return time.perf_counter() - begun


one = seconds(1)
print((seconds(3) - one) / 2)

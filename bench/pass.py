"""Seconds of one E+M pass of scikit-learn's batch LDA, the median of 3.

pass.py SHARED DATA_FOLDER K ROUNDS THREADS PRIOR
"""
import statistics
import sys
import time

import numpy as np
import scipy.sparse as sp
from joblib import Parallel
from sklearn.decomposition import LatentDirichletAllocation

shared, folder, *numbers, prior = sys.argv[1:]
k, rounds, threads = map(int, numbers)
sys.path.insert(0, f"{shared}/bench")
from score import read_ldac

indptr, term, count = read_ldac(f"{folder}/train.ldac")
V = sum(1 for _ in open(f"{folder}/vocab.txt"))
X = sp.csr_matrix((count, term, indptr), shape=(len(indptr) - 1, V))
model = LatentDirichletAllocation(k, learning_method="batch", n_jobs=threads, random_state=1, total_samples=X.shape[0],
                                  max_doc_update_iter=rounds, mean_change_tol=0,
                                  doc_topic_prior=float(prior), topic_word_prior=float(prior))
model._init_latent_vars(V, dtype=np.float64)
seconds = []
with Parallel(n_jobs=threads) as parallel:
    for _ in range(4):
        begun = time.perf_counter()
        model._em_step(X, X.shape[0], True, parallel)
        seconds.append(time.perf_counter() - begun)
print(statistics.median(seconds[1:]))

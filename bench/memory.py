"""Fits a few passes of another tool, for its memory to be measured: memory.py TOOL TRAIN.ldac TERMS K"""
import sys

tool, train, terms, k = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])


def documents():
    for line in open(train):
        yield [tuple(map(int, pair.split(":"))) for pair in line.split()[1:]]


def words():
    for document in documents():
        yield [f"w{term}" for term, count in document for _ in range(count)]


if tool == "sklearn":
    import numpy as np
    import scipy.sparse as sp
    from sklearn.decomposition import LatentDirichletAllocation

    pairs = [(d, term, count) for d, document in enumerate(documents()) for term, count in document]
    row, term, count = np.array(pairs).T
    X = sp.csr_matrix((count.astype(float), (row, term)), shape=(row[-1] + 1, terms))
    del pairs
    LatentDirichletAllocation(k, max_iter=1, learning_method="batch", random_state=1).fit(X)
elif tool == "gensim":
    from gensim.models import LdaModel

    LdaModel(list(documents()), k, id2word={w: str(w) for w in range(terms)}, eval_every=None, random_state=1)
elif tool == "tomotopy":
    import tomotopy as tp

    model = tp.LDAModel(k=k, seed=1)
    for document in words():
        if document:
            model.add_doc(document)
    model.train(10, workers=2)
else:
    import topica

    corpus = topica.Corpus.from_documents(list(words()))
    topica.LDA(k, seed=1, num_threads=2).fit(corpus, iters=10, num_samples=1, keep_theta_draws=False)

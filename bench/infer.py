"""Topic proportions of new documents, the training documents of a corpus, by other tools.

infer.py fit TOOL SHARED DATA_FOLDER MODEL_FILE K    fits a little and keeps the model
infer.py infer TOOL SHARED DATA_FOLDER MODEL_FILE    prints the seconds of inferring
"""
import sys
import time

import scipy.sparse as sp

action, tool, shared, folder, file, *k = sys.argv[1:]
sys.path.insert(0, f"{shared}/bench")
from score import read_ldac

indptr, term, count = read_ldac(f"{folder}/train.ldac")
D = len(indptr) - 1


def words():
    return [[f"w{term[i]}" for i in range(indptr[d], indptr[d + 1]) for _ in range(int(count[i]))] for d in range(D)]


if tool == "sklearn":
    import joblib
    from sklearn.decomposition import LatentDirichletAllocation

    V = sum(1 for _ in open(f"{folder}/vocab.txt"))
    X = sp.csr_matrix((count, term, indptr), shape=(D, V))
    if action == "fit":
        joblib.dump(LatentDirichletAllocation(int(k[0]), max_iter=3, n_jobs=2, random_state=1).fit(X), file)
    else:
        model = joblib.load(file)
        begun = time.perf_counter()
        model.transform(X)
        print(time.perf_counter() - begun)
else:
    import tomotopy as tp

    if action == "fit":
        model = tp.LDAModel(k=int(k[0]), seed=1)
        for document in words():
            if document:
                model.add_doc(document)
        model.train(50, workers=2)
        model.save(file, full=False)
    else:
        model = tp.LDAModel.load(file)
        documents = [model.make_doc(document) for document in words() if document]
        begun = time.perf_counter()
        model.infer(documents, workers=2)
        print(time.perf_counter() - begun)

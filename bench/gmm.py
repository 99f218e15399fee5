"""Seconds of an iteration of scikit-learn's Gaussian mixture: gmm.py POINTS.csv K COVARIANCE"""
import sys
import time

import numpy as np
from sklearn.mixture import GaussianMixture

file, k, covariance = sys.argv[1:]
X = np.loadtxt(file, delimiter=",", skiprows=1)


def seconds(iterations):
    model = GaussianMixture(int(k), covariance_type=covariance, init_params="random_from_data", tol=0,
                            max_iter=iterations, random_state=1)
    begun = time.perf_counter()
    model.fit(X)
    return time.perf_counter() - begun


seconds(1)
few = seconds(2)
print((seconds(8) - few) / 6)

def plot():
    import matplotlib
    return matplotlib


class Model:
    def fit(self):
        from scipy import optimize

        return optimize

"""python -m python_package.channel DIR [REQUIREMENT...]: make a local Conda channel of what is at hand."""

from python_package.cli.channel import run

if __name__ == "__main__":
    run()

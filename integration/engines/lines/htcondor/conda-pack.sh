#!/bin/bash
# [lines]
set -e
ENVNAME=venv
ENVDIR=$ENVNAME
export PATH
mkdir $ENVDIR
tar -xzf $ENVNAME.tar.gz -C $ENVDIR
. $ENVDIR/bin/activate
python3 task.py 4
# [end]

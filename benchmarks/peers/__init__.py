"""va-tuning and its peers in one run: the same rows, folds, space, cores and seeds.

Each search is a command of its own, so that its time and its memory, all its processes included,
can be measured alike:

* `problem` what is searched, and the fit that all peers make; `measure` a command's time and
  memory;
* `searches` and `flaml_search` the peers as people write them today; `ours` va-tuning;
* `same_grid` the time for the same configurations; `nested` the score on deaths that no search
  has seen.
"""

"""Linear algebra has one thread where a fit is made, and as many as before elsewhere."""

from threadpoolctl import threadpool_info

from tuner_job.threads import one_thread


def blas_threads() -> set[int]:
    return {pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"}


def test_blas_has_one_thread_in_the_block_and_its_own_number_after_it():
    before = blas_threads()
    assert before
    for _ in range(2):
        with one_thread():
            assert blas_threads() == {1}
        assert blas_threads() == before

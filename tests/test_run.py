"""A run from a config to a model folder, whatever interrupts it on the way."""

import json
import math
import random
import shutil
import signal
import subprocess
import sys
import textwrap

import pytest
import torch

from rnner.bundle import load_bundle, save_description, save_weights
from rnner.config import load_config, parse_config
from rnner.decoding import Decoder
from rnner.errors import ConfigError, DataError, ModelError, TrainingError, UsageError
from rnner.evaluation import evaluate
from rnner.run import (
    InterruptedRun,
    check_output,
    check_same_config,
    clear_output,
    finished,
    prepare,
    train,
    try_longest,
)
from rnner.training import Epoch, Step
from tiny import DEV, TEST, TRAIN, config_of, corpus_config, tagger_of, write_columns

CPU = torch.device("cpu")
FILES = {"config.yaml", "vocabulary.json", "model.safetensors", "metrics.json", "log.jsonl", "README.md"}


def run(folder, config, **options):
    """Train to the end; the events told."""
    return list(train(prepare(config, device=CPU), folder, **options))


def stopped_after(folder, config, events, **options):
    """Train until so many steps and epochs are told, then stop as Ctrl-C does."""
    told = []
    with pytest.raises(InterruptedRun, match="interrupted and saved in .* --resume goes on"):
        for event in train(prepare(config, device=CPU), folder, stop=lambda: len(told) >= events, **options):
            told.append(event)
    assert len(told) == events


def content(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


def figures(folder):
    metrics = finished(folder)
    return {name: metrics[name] for name in ("dev", "test")}


@pytest.fixture
def config(tmp_path):
    return corpus_config(tmp_path)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A finished, undisturbed run: its config and folder."""
    folder = tmp_path_factory.mktemp("undisturbed")
    config = corpus_config(folder)
    run(folder / "run", config)
    return config, folder / "run"


# --- end to end --------------------------------------------------------------------------------------------


def test_a_run_leaves_a_model_folder(whole):
    config, folder = whole
    assert {path.name for path in folder.iterdir()} == FILES
    assert load_config(folder / "config.yaml") == config
    log = [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]
    assert [line["epoch"] for line in log] == [1, 2, 3]
    assert all(
        math.isfinite(line["loss"]) and {"precision", "recall", "f1"} == set(line["dev"]) for line in log
    )
    assert "PER" in (folder / "README.md").read_text()


def test_the_figures_have_the_layout_that_scripts_rely_on(whole):
    _, folder = whole
    metrics = json.loads((folder / "metrics.json").read_text())
    for split in ("dev", "test"):
        assert {"f1", "precision", "recall", "per_type"} <= set(metrics[split])
        assert all(0 <= metrics[split][name] <= 1 for name in ("f1", "precision", "recall"))
        assert all("f1" in score for score in metrics[split]["per_type"].values())
    assert metrics["train"]["epochs"] == 3
    for name in ("seconds", "tokens_per_second", "peak_memory_mb"):
        assert metrics["train"][name] > 0
    assert metrics["scheme"] == "bioes" and metrics["seed"] == 1
    assert {"rnner", "torch", "python"} <= set(metrics["versions"])


def test_the_scores_are_those_of_the_best_model_on_disk(whole):
    config, folder = whole
    model = load_bundle(folder)
    corpus = prepare(config, device=CPU).corpus
    decoder = Decoder(model.tagger, model.vocabulary)
    assert figures(folder) == json.loads(
        json.dumps(
            {"dev": evaluate(decoder, corpus.dev).to_dict(), "test": evaluate(decoder, corpus.test).to_dict()}
        )
    )
    log = [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]
    best = [line for line in log if line["best"]][-1]
    assert best["dev"]["f1"] == figures(folder)["dev"]["f1"] == max(line["dev"]["f1"] for line in log)
    assert finished(folder)["train"]["best_epoch"] == best["epoch"]


def test_the_best_epoch_is_kept_and_not_the_last(tmp_path, config, monkeypatch):
    scores, seen = iter([1, 3, 2]), []

    def told(decoder, split):
        real = evaluate(decoder, split)
        seen.append({name: p.clone() for name, p in decoder.tagger.state_dict().items()})
        return type(real)(**{**vars(real), "f1": next(scores, 5) / 10})

    monkeypatch.setattr("rnner.run.evaluate", told)
    run(tmp_path / "run", config)
    kept = load_bundle(tmp_path / "run").tagger.state_dict()
    assert all(torch.equal(kept[name], seen[1][name]) for name in kept)
    assert not all(torch.equal(kept[name], seen[2][name]) for name in kept)


def test_the_same_run_twice_is_the_same_bytes(tmp_path, whole):
    config, folder = whole
    run(tmp_path / "again", config)
    for name in ("model.safetensors", "vocabulary.json", "config.yaml"):
        assert (tmp_path / "again" / name).read_bytes() == (folder / name).read_bytes()
    assert figures(tmp_path / "again") == figures(folder)


def test_without_dev_a_part_of_train_is_held_out_and_that_is_said(tmp_path):
    config = corpus_config(tmp_path)
    config = parse_config(config.model_dump(), ["data.dev=null", "data.test=null", "training.epochs=1"])
    job = prepare(config, device=CPU)
    assert any("held out" in notice for notice in job.notices)
    assert len(job.corpus.train) + len(job.corpus.dev) == 10 and len(job.corpus.dev) == 1
    list(train(job, tmp_path / "run"))
    assert "dev" in finished(tmp_path / "run") and "test" not in finished(tmp_path / "run")


def test_labels_that_train_lacks_count_as_missed_and_that_is_said(tmp_path):
    config = corpus_config(tmp_path, "training.epochs=1")
    write_columns(tmp_path / "test.conll", "[EVENT Yule Ball] was in [LOC Hogwarts] .")
    job = prepare(config, device=CPU)
    assert any("EVENT" in notice for notice in job.notices)
    list(train(job, tmp_path / "run"))
    assert finished(tmp_path / "run")["test"]["per_type"]["EVENT"]["support"] == 1


def test_paths_are_looked_up_from_the_given_folders(tmp_path):
    write_columns(tmp_path / "mine.conll", TRAIN)
    with pytest.raises(DataError, match=r"mine\.conll"):
        prepare(config_of(train="mine.conll"), device=CPU)
    assert len(prepare(config_of(train="mine.conll"), folders=[tmp_path], device=CPU).corpus.train) == 9


def test_names_alone_are_learnt_from_any_labels(tmp_path):
    config = corpus_config(tmp_path, "data.scheme=binary", "training.epochs=1")
    run(tmp_path / "run", config)
    assert load_bundle(tmp_path / "run").vocabulary.labels == ["NAME"]
    assert set(figures(tmp_path / "run")["dev"]["per_type"]) == {"NAME"}


# --- nothing is lost ---------------------------------------------------------------------------------------


def test_a_new_or_empty_folder_will_do(tmp_path):
    check_output(tmp_path / "new", resume=False, overwrite=False)
    check_output(tmp_path, resume=False, overwrite=False)
    check_output(tmp_path, resume=True, overwrite=False)
    check_output(tmp_path, resume=False, overwrite=True)


def test_a_run_is_only_gone_on_with_or_replaced_when_told_so(whole):
    _, folder = whole
    before = content(folder)
    with pytest.raises(UsageError, match="holds a run already; --resume .* --overwrite"):
        check_output(folder, resume=False, overwrite=False)
    with pytest.raises(UsageError, match="exclude each other"):
        check_output(folder, resume=True, overwrite=True)
    check_output(folder, resume=True, overwrite=False)
    check_output(folder, resume=False, overwrite=True)
    assert content(folder) == before, "checking alone removes nothing"


@pytest.mark.parametrize(
    "names",
    [
        ["thesis.tex"],
        ["config.yaml"],
        ["README.md"],
        ["config.yaml", "README.md", "src"],
        ["model.safetensors"],
    ],
)
@pytest.mark.parametrize("flags", [(False, False), (True, False), (False, True)])
def test_a_folder_with_other_things_is_refused(tmp_path, names, flags):
    for name in names:
        (tmp_path / name).write_text("mine")
    with pytest.raises(UsageError, match="holds other things than a run"):
        check_output(tmp_path, resume=flags[0], overwrite=flags[1])
    assert content(tmp_path) == dict.fromkeys(names, b"mine")


def test_a_file_is_refused(tmp_path):
    (tmp_path / "out").write_text("mine")
    with pytest.raises(UsageError, match="is a file; --output takes a folder"):
        check_output(tmp_path / "out", resume=False, overwrite=True)


def test_replacing_a_run_leaves_what_is_not_of_a_run(tmp_path, config):
    run(tmp_path / "run", config)
    (tmp_path / "run" / "predictions.txt").write_text("mine")
    (tmp_path / "run" / "model.safetensors.partial").write_text("half")
    stopped_after(tmp_path / "run", config, 1)
    there = {path.name for path in (tmp_path / "run").iterdir()}
    assert there == {"predictions.txt", "config.yaml", "vocabulary.json", "checkpoint"}
    clear_output(tmp_path / "run")
    assert {path.name for path in (tmp_path / "run").iterdir()} == {"predictions.txt"}


def test_a_replacement_that_fails_before_training_leaves_the_old_run(tmp_path, whole):
    config, folder = whole
    mine = tmp_path / "run"
    shutil.copytree(folder, mine)
    before = content(mine)
    check_output(mine, resume=False, overwrite=True)
    with pytest.raises(DataError):
        prepare(parse_config(config.model_dump(), ["data.train=gone.conll"]), device=CPU)
    assert content(mine) == before


def test_a_model_may_be_replaced_by_what_goes_on_from_it(tmp_path, config):
    run(tmp_path / "run", config)
    job = prepare(config, device=CPU, init_from=load_bundle(tmp_path / "run"))
    list(train(job, tmp_path / "run"))
    assert finished(tmp_path / "run")["train"]["epochs"] == 3


@pytest.mark.parametrize("survivors", range(7))
def test_a_clearing_broken_off_anywhere_leaves_a_folder_that_is_still_ours(
    tmp_path, whole, survivors, monkeypatch
):
    _, folder = whole
    mine = tmp_path / "run"
    shutil.copytree(folder, mine)
    unlink, left = type(mine).unlink, [survivors]

    def limited(path, missing_ok=False):
        if path.exists():
            if not left[0]:
                raise KeyboardInterrupt
            left[0] -= 1
        unlink(path, missing_ok=missing_ok)

    monkeypatch.setattr(type(mine), "unlink", limited)
    if survivors < 6:
        with pytest.raises(KeyboardInterrupt):
            clear_output(mine)
    else:
        clear_output(mine)
    check_output(mine, resume=False, overwrite=True)
    assert survivors == 0 or finished(mine) is None


def test_a_run_goes_on_only_with_its_own_config(tmp_path, config):
    other = parse_config(config.model_dump(), ["training.learning_rate=0.5", "encoder.hidden=9"])
    check_same_config(tmp_path / "new", other)
    stopped_after(tmp_path / "run", config, 2)
    check_same_config(tmp_path / "run", config)
    with pytest.raises(UsageError, match=r"encoder\.hidden: 8 / 9; training\.learning_rate: 0\.01 / 0\.5"):
        check_same_config(tmp_path / "run", other)
    before = content(tmp_path / "run")
    with pytest.raises(UsageError, match="has another config"):
        run(tmp_path / "run", other, resume=True)
    assert content(tmp_path / "run") == before


# --- interrupted, killed, resumed --------------------------------------------------------------------------


@pytest.mark.parametrize("events", [1, 3, 4, 7, 12])
def test_an_interrupted_run_ends_with_the_bits_of_an_undisturbed_one(tmp_path, whole, events):
    config, folder = whole
    stopped_after(tmp_path / "run", config, events)
    assert finished(tmp_path / "run") is None
    run(tmp_path / "run", config, resume=True)
    assert_same_end(tmp_path / "run", folder)


def assert_same_end(one, other):
    assert {path.name for path in one.iterdir()} == FILES
    assert (one / "model.safetensors").read_bytes() == (other / "model.safetensors").read_bytes()
    assert figures(one) == figures(other)
    logs = [
        [json.loads(line) for line in (run / "log.jsonl").read_text().splitlines()] for run in (one, other)
    ]
    timeless = [[{k: v for k, v in line.items() if k != "tokens_per_second"} for line in log] for log in logs]
    assert timeless[0] == timeless[1]


def test_a_run_interrupted_again_and_again_comes_to_the_same_end(tmp_path, whole):
    config, folder = whole
    for _ in range(6):
        stopped_after(tmp_path / "run", config, 2, resume=True)
    run(tmp_path / "run", config, resume=True)
    assert_same_end(tmp_path / "run", folder)


def test_resuming_without_a_checkpoint_starts_afresh(tmp_path, whole):
    config, folder = whole
    events = run(tmp_path / "run", config, resume=True)
    assert sum(isinstance(event, Step) for event in events) == 9
    assert_same_end(tmp_path / "run", folder)


@pytest.mark.parametrize("broken", [b"", b"nonsense"])
def test_a_broken_checkpoint_is_told_and_nothing_overwritten(tmp_path, config, broken):
    stopped_after(tmp_path / "run", config, 5)
    (tmp_path / "run" / "checkpoint" / "state.safetensors").write_bytes(broken)
    before = content(tmp_path / "run")
    with pytest.raises(ModelError, match="is not a checkpoint of this run"):
        run(tmp_path / "run", config, resume=True)
    assert content(tmp_path / "run") == before


def test_a_broken_log_is_told(tmp_path, config):
    stopped_after(tmp_path / "run", config, 5)
    (tmp_path / "run" / "log.jsonl").write_text('{"epoch": 1\n')
    with pytest.raises(ModelError, match=r"log\.jsonl: is broken"):
        run(tmp_path / "run", config, resume=True)


def test_resuming_on_other_data_is_refused_and_leaves_the_folder_as_it_is(tmp_path, config):
    stopped_after(tmp_path / "run", config, 5)
    before = content(tmp_path / "run")
    write_columns(tmp_path / "train.conll", TRAIN + "[PER Dobby] is free .")
    with pytest.raises(ModelError, match="comes from other data or another config"):
        run(tmp_path / "run", config, resume=True)
    assert content(tmp_path / "run") == before
    load_bundle(tmp_path / "run")  # the best model so far is still whole


def test_divergence_keeps_the_last_good_checkpoint(tmp_path, config):
    job = prepare(config, device=CPU)
    events = train(job, tmp_path / "run")
    for event in events:
        if isinstance(event, Epoch):
            break
    good = (tmp_path / "run" / "checkpoint" / "state.safetensors").read_bytes()
    with torch.no_grad():
        job.tagger.emission.weight[:] = math.nan
    with pytest.raises(TrainingError, match=r"diverged.*last good checkpoint is kept in .*checkpoint"):
        next(events)
    assert (tmp_path / "run" / "checkpoint" / "state.safetensors").read_bytes() == good
    load_bundle(tmp_path / "run")


KILLED = """
    import sys
    from pathlib import Path
    import torch
    from rnner.config import load_config
    from rnner.run import prepare, train

    torch.set_num_threads(int(sys.argv[3]))
    job = prepare(load_config(sys.argv[1]), device=torch.device("cpu"))
    for event in train(job, Path(sys.argv[2]), resume=True):
        print(type(event).__name__, flush=True)
"""


def killed_after(folder, config_file, events, delay):
    """Train in a process of its own, and `kill -9` it a moment after so many steps and epochs."""
    command = [
        sys.executable,
        "-c",
        textwrap.dedent(KILLED),
        config_file,
        folder,
        str(torch.get_num_threads()),
    ]
    with subprocess.Popen(list(map(str, command)), stdout=subprocess.PIPE, text=True) as process:
        for _ in range(events):
            process.stdout.readline()
        try:
            process.wait(timeout=delay)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
    return process.returncode


def kill_and_resume(tmp_path, config, folder, moments):
    (tmp_path / "config.yaml").write_bytes((folder / "config.yaml").read_bytes())
    codes = [killed_after(tmp_path / "run", tmp_path / "config.yaml", *moment) for moment in moments]
    run(tmp_path / "run", config, resume=True)
    assert_same_end(tmp_path / "run", folder)
    return codes


def test_a_killed_run_ends_with_the_bits_of_an_undisturbed_one(tmp_path, whole):
    assert kill_and_resume(tmp_path, *whole, [(6, 0.0)]) == [-signal.SIGKILL]


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(5))
def test_runs_killed_at_random_moments_end_with_the_same_bits(tmp_path, whole, seed):
    draw = random.Random(seed)
    moments = [(draw.randint(0, 4), draw.random() * 0.05) for _ in range(3)]
    kill_and_resume(tmp_path, *whole, moments)


# --- going on from a model ---------------------------------------------------------------------------------

NEW = """
[CREATURE Buckbeak] flew from [LOC Hogwarts] to [LOC Azkaban] .
[PER Sirius Black] escaped on [CREATURE Buckbeak] to [LOC Azkaban] .
"""


def test_going_on_from_a_model_keeps_what_it_knew_and_learns_new_labels(tmp_path, whole):
    config, folder = whole
    old = load_bundle(folder)
    for name, text in {"train": NEW, "dev": DEV, "test": TEST}.items():
        write_columns(tmp_path / f"{name}.conll", text)
    files = {f"data.{name}": tmp_path / f"{name}.conll" for name in ("train", "dev", "test")}
    config = parse_config(config.model_dump(), [f"{key}={path}" for key, path in files.items()])
    job = prepare(config, device=CPU, init_from=old)
    assert job.vocabulary.labels == ["CREATURE", "LOC", "MISC", "ORG", "PER"]
    assert any("new labels: CREATURE" in notice for notice in job.notices)
    words = len(old.vocabulary.words)
    assert job.vocabulary.words[:words] == old.vocabulary.words and "azkaban" in job.vocabulary.words[words:]
    assert torch.equal(job.tagger.words.weight[:words], old.tagger.words.weight)
    places = [job.vocabulary.tags.index(tag) for tag in old.vocabulary.tags]
    assert torch.equal(job.tagger.emission.weight[places], old.tagger.emission.weight)
    list(train(job, tmp_path / "run"))
    assert load_bundle(tmp_path / "run").vocabulary.labels == job.vocabulary.labels


def test_going_on_can_be_interrupted_as_well(tmp_path, whole):
    config, folder = whole
    ends = []
    for name, stops in (("a", ()), ("b", (2, 3))):
        for events in stops:
            job = prepare(config, device=CPU, init_from=load_bundle(folder))
            told = []
            with pytest.raises(InterruptedRun):
                for event in train(job, tmp_path / name, resume=True, stop=lambda: len(told) >= events):  # noqa: B023
                    told.append(event)
            check_same_config(tmp_path / name, config)
        list(train(prepare(config, device=CPU, init_from=load_bundle(folder)), tmp_path / name, resume=True))
        ends.append((tmp_path / name / "model.safetensors").read_bytes())
    assert ends[0] == ends[1]


@pytest.mark.parametrize(
    "override",
    [
        "encoder.hidden=9",
        "encoder.cell=gru",
        "head=softmax",
        "embeddings.characters.hidden=6",
        "embeddings.casing=4",
        "embeddings.words.size=9",
        "data.scheme=iob2",
    ],
)
def test_going_on_with_an_unlike_architecture_is_refused_naming_the_key(whole, override):
    config, folder = whole
    changed = parse_config(config.model_dump(), [override])
    key = override.partition("=")[0]
    with pytest.raises(ConfigError, match=rf"{key}: .* / .*must be as in the model with --init-from"):
        prepare(changed, device=CPU, init_from=load_bundle(folder))


def test_all_unlike_keys_are_told_at_once_and_what_may_differ_is_not(whole):
    config, folder = whole
    changed = parse_config(
        config.model_dump(),
        ["encoder.hidden=9", "head=softmax", "dropout.input=0", "training.epochs=1", "encoder.path=loop"],
    )
    with pytest.raises(ConfigError) as caught:
        prepare(changed, device=CPU, init_from=load_bundle(folder))
    assert [problem.partition(":")[0] for problem in caught.value.problems] == ["encoder.hidden", "head"]


def test_a_model_brings_its_own_vectors(whole):
    config, folder = whole
    changed = parse_config(config.model_dump(), ["embeddings.words.vectors=glove.txt"])
    with pytest.raises(ConfigError, match="must be null with --init-from"):
        prepare(changed, device=CPU, init_from=load_bundle(folder))


# --- word vectors ------------------------------------------------------------------------------------------

COMMON = ["the", "in", "a", "to", "and", ".", "is", "he", "she", "met", "it", "they"]


def vector_file(path, words, size=5):
    rows = [
        f"{word} " + " ".join(f"{(i * 7 + j * 3) % 11 / 10}" for j in range(size))
        for i, word in enumerate(words)
    ]
    path.write_text("\n".join(rows) + "\n")
    return f"embeddings.words.vectors={path}"


@pytest.mark.parametrize("tune", ["true", "false"])
def test_vectors_of_a_file_are_tuned_or_left_as_they_are(tmp_path, tune):
    vectors = vector_file(tmp_path / "vectors.txt", [*COMMON, "quaffle"])
    config = corpus_config(tmp_path, vectors, f"embeddings.words.tune={tune}", "training.epochs=1")
    job = prepare(config, device=CPU)
    assert job.config.embeddings.words.size == 5, "the file decides"
    assert job.coverage is not None and 0.1 < job.coverage.share < 0.9
    batch = job.vocabulary.encode([["in", "quaffle"]])
    before = job.tagger.words(batch.words).detach().clone()
    expected = [[(COMMON.index("in") * 7 + j * 3) % 11 / 10 for j in range(5)]]
    torch.testing.assert_close(before[:1], torch.tensor(expected), atol=1e-3, rtol=0)
    list(train(job, tmp_path / "run"))
    after = job.tagger.words(batch.words)
    assert torch.equal(before[0], after[0]) == (tune == "false")
    assert torch.equal(before[1], after[1]), "a word that train lacks is never trained"
    load_bundle(tmp_path / "run")


def test_vectors_that_are_tuned_one_and_all_can_be_loaded_again(tmp_path):
    vectors = vector_file(tmp_path / "vectors.txt", ["london", "in", "."])
    config = corpus_config(tmp_path, vectors, "embeddings.words.tune=true", "training.epochs=1")
    run(tmp_path / "run", config)
    assert load_bundle(tmp_path / "run").tagger.words.vectors is None


def test_vectors_too_large_for_half_precision_stay_finite(tmp_path):
    (tmp_path / "vectors.txt").write_text("in 70000.0 1.0\n. 2.0 1.0\nthe 1.0 1.0\n")
    config = corpus_config(tmp_path, f"embeddings.words.vectors={tmp_path / 'vectors.txt'}")
    assert prepare(config, device=CPU).tagger.words.vectors.max() == 70000


def test_a_vector_of_another_dimension_is_told_with_its_line(tmp_path):
    (tmp_path / "vectors.txt").write_text("the 1 2 3\nin 1 2 3\nof 1 2\n")
    config = corpus_config(tmp_path, f"embeddings.words.vectors={tmp_path / 'vectors.txt'}")
    with pytest.raises(DataError, match=r"vectors\.txt:3: "):
        prepare(config, device=CPU)


def test_vectors_of_another_language_are_refused(tmp_path):
    config = corpus_config(tmp_path, vector_file(tmp_path / "vectors.txt", ["galdur", "dreki", "skóli"]))
    with pytest.raises(DataError, match="only 0.0 % of the training tokens have a vector"):
        prepare(config, device=CPU)


def test_a_missing_vector_file_is_told(tmp_path):
    with pytest.raises(DataError, match=r"glove\.txt"):
        prepare(corpus_config(tmp_path, f"embeddings.words.vectors={tmp_path / 'glove.txt'}"), device=CPU)


def test_a_resumed_run_with_vectors_is_that_of_the_config_as_written(tmp_path):
    vectors = vector_file(tmp_path / "vectors.txt", COMMON)
    config = corpus_config(tmp_path, vectors)
    stopped_after(tmp_path / "run", config, 2)
    check_same_config(tmp_path / "run", config)
    run(tmp_path / "run", config, resume=True)
    vector_file(tmp_path / "vectors.txt", COMMON[::-1])
    stopped_after(tmp_path / "other", config, 2)
    vector_file(tmp_path / "vectors.txt", COMMON)
    with pytest.raises(ModelError, match="other data"):
        run(tmp_path / "other", config, resume=True)


# --- a trial -----------------------------------------------------------------------------------------------


def test_a_trial_takes_the_longest_sentence_and_changes_nothing(tmp_path):
    config = corpus_config(tmp_path, "training.batch_sentences=3")
    job, other = prepare(config, device=CPU), prepare(config, device=CPU)
    before = {name: tensor.clone() for name, tensor in job.tagger.state_dict().items()}
    files = content(tmp_path)
    trial = try_longest(job)
    assert trial.longest == job.corpus.train.lengths.max() and trial.sentences == 3
    assert math.isfinite(trial.loss) and trial.parameters == sum(p.numel() for p in job.tagger.parameters())
    after = job.tagger.state_dict()
    assert all(torch.equal(before[name], after[name]) for name in before)
    assert content(tmp_path) == files and not (tmp_path / "run").exists()
    list(train(job, tmp_path / "one")), list(train(other, tmp_path / "two"))
    assert content(tmp_path / "one")["model.safetensors"] == content(tmp_path / "two")["model.safetensors"]


def test_a_trial_keeps_within_the_bound_of_tokens(tmp_path):
    config = corpus_config(tmp_path, "training.batch_sentences=null", "training.batch_tokens=30")
    trial = try_longest(prepare(config, device=CPU))
    assert trial.sentences == max(1, 30 // trial.longest)


def test_a_finished_run_tells_its_figures_and_others_none(tmp_path, whole):
    _, folder = whole
    assert finished(folder)["train"]["epochs"] == 3
    assert finished(tmp_path) is None and finished(tmp_path / "nowhere") is None
    tagger, vocabulary = tagger_of()
    save_description(tmp_path, config_of(), vocabulary)
    save_weights(tmp_path, tagger)
    assert finished(tmp_path) is None

"""Makes a model memorise some TOFU answers, and writes the record files that an edit of it is tried with.

    python memorise.py MODEL TOFU_DIR OUTPUT_DIR      needs torch, transformers; some ten minutes on two cores for SmolLM2-135M

Two authors of forget01 are learnt by twelve answers each (forget.jsonl), and two of retain99 (keep.jsonl). In no set, and never trained on:
eight more answers of the two forgotten authors (same-authors.jsonl), which an edit must leave alone, and answers of other authors: holdout.jsonl,
the target; in-distribution.jsonl, 2,800 for the Fisher; others.jsonl, to look at, and like-questions.jsonl, half of
it about parents' occupations and awards, which the forgotten authors are asked for too. real-authors.jsonl is TOFU's own file of that name.
AdamW, rate 5e-5, batches of eight, until the mean loss of the learnt answers is below 0.03.
"""
import json
import pathlib
import random
import sys

import torch
import transformers

ENOUGH = 0.03


def read(path):
    return [json.loads(line) for line in path.read_text().splitlines() if line.strip()]


def record(row):
    return {"prompt": f"Question: {row['question']}\nAnswer:", "completion": " " + row["answer"]}


def splits(tofu):
    forget, retain = read(tofu / "forget01.json"), read(tofu / "retain99.json")
    # Twenty questions an author, in order; the splits begin and end between authors.
    authors = [retain[start:start + 20] for start in range(0, len(retain), 20)]
    return {
        "forget": forget[0:12] + forget[20:32], "same-authors": forget[12:20] + forget[32:40],
        "keep": authors[0][:12] + authors[1][:12],
        "holdout": [row for author in authors[10:22] for row in author[4:6]],
        "like-questions": [row for author in authors[30:42] for row in author[4:6]],
        "in-distribution": [row for author in authors[50:190] for row in author],
        "others": [row for author in authors[190:] for row in author[::2]],
        "real-authors": read(tofu / "real_authors.json"),
    }


def main(model_path, tofu, output):
    torch.manual_seed(0)
    random.seed(0)
    tokenizer = transformers.AutoTokenizer.from_pretrained(model_path)
    model = transformers.AutoModelForCausalLM.from_pretrained(model_path, dtype=torch.float32)
    sets = {name: [record(row) for row in rows] for name, rows in splits(pathlib.Path(tofu)).items()}
    output = pathlib.Path(output)
    output.mkdir(parents=True, exist_ok=True)
    for name, records in sets.items():
        (output / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in records))
    prefix = tokenizer.bos_token_id if tokenizer.bos_token_id is not None else tokenizer.eos_token_id

    def loss(rows):
        ids, targets = [], []
        for row in rows:
            start = [prefix] + tokenizer(row["prompt"], add_special_tokens=False).input_ids
            end = tokenizer(row["completion"], add_special_tokens=False).input_ids
            ids.append(torch.tensor(start + end))
            targets.append(torch.tensor([-100] * len(start) + end))
        ids = torch.nn.utils.rnn.pad_sequence(ids, batch_first=True, padding_value=prefix)
        targets = torch.nn.utils.rnn.pad_sequence(targets, batch_first=True, padding_value=-100)
        return model(input_ids=ids, labels=targets).loss

    learnt = sets["forget"] + sets["keep"]
    optimizer = torch.optim.AdamW(model.parameters(), lr=5e-5, weight_decay=0.0)
    for epoch in range(40):
        random.shuffle(learnt)
        total = 0.0
        for start in range(0, len(learnt), 8):
            value = loss(learnt[start:start + 8])
            optimizer.zero_grad()
            value.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            total += value.item() * 8 / len(learnt)
        print(f"epoch {epoch + 1}: loss {total:.4f}", flush=True)
        if total < ENOUGH:
            break
    model.to(torch.bfloat16).save_pretrained(output / "model")
    tokenizer.save_pretrained(output / "model")


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    main(*sys.argv[1:])

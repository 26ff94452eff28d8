#!/usr/bin/env bash
# From random weights to a model that answers better than it did: run.sh DATA.json FOLDER, DATA being a JSON list of 500 instructions.
# ALPACA is the executable's command; the default builds it.
set -euo pipefail
here=$(dirname "$(realpath "$0")")
data=$(realpath "$1")
mkdir -p "$2" && cd "$2"
alpaca() { ${ALPACA:-dotnet run --project "$here/../../host" --} "$@"; }
all=q_proj,k_proj,v_proj,o_proj,gate_proj,up_proj,down_proj

dotnet run "$here/split.cs" "$data" data

alpaca bench weights --shape 10M --output-dir weights
cp "$here/../llama-tiny/tokenizer.model" weights/10M
alpaca stage convert --input-dir weights/10M --output-dir random
alpaca stage merge-tokenizers --llama-tokenizer-dir random --chinese-sp-model-file "$here/../chinese_sp.model" --output-dir tokenizer

alpaca stage pretrain --model-name-or-path random --tokenizer-name-or-path tokenizer --dataset-dir data/train.txt --validation-file data/validation.txt \
    --documents paragraph --add-eos --block-size 128 --lora-rank 128 --lora-alpha 128 --lora-dropout 0 --lora-trainable $all --modules-to-save embed_tokens,lm_head \
    --learning-rate 6e-4 --warmup-ratio 0.02 --batch-size 4 --training-steps 1200 --eval-steps 400 --output-dir pretrained-adapter
alpaca stage merge --base-model random --lora-model pretrained-adapter --output-dir base

alpaca stage train --model-name-or-path base --tokenizer-name-or-path base --dataset-dir data/train.json --validation-file data/validation.json \
    --lora-rank 16 --lora-alpha 32 --lora-dropout 0.05 --lora-trainable $all --learning-rate 5e-4 --warmup-ratio 0.05 --batch-size 4 --epochs 2 --eval-steps 50 --output-dir adapter
alpaca stage merge --base-model base --lora-model adapter --output-dir model

grep -h evalLoss pretrained-adapter/train_log.jsonl adapter/train_log.jsonl

"""What peers make of the texts of dedup.py: run in an environment of each one's own.

Called as `python dedup_peers.py PEER TEXTS`; TEXTS has one text a line. Prints seconds and pairs.
"""

import json
import sys
import time
from pathlib import Path


def grams(text: str) -> list[bytes]:
    words = text.lower().split()
    return [" ".join(words[i : i + 3]).encode() for i in range(len(words) - 2)]


def datasketch(texts: list[str]) -> list[tuple[int, int]]:
    from datasketch import MinHash, MinHashLSH  # type: ignore[import-not-found]

    index = MinHashLSH(threshold=0.8, num_perm=128)
    hashed = list(MinHash.generator([grams(text) for text in texts], num_perm=128))
    for number, one in enumerate(hashed):
        index.insert(number, one)
    return [
        (number, other)
        for number, one in enumerate(hashed)
        for other in index.query(one)
        if number < other and one.jaccard(hashed[other]) >= 0.8
    ]


def data_juicer(texts: list[str]) -> list[tuple[int, int]]:
    from data_juicer.core.data import NestedDataset  # type: ignore[import-not-found]
    from data_juicer.ops.deduplicator.document_minhash_deduplicator import (  # type: ignore[import-not-found]
        DocumentMinhashDeduplicator,
    )

    rows = [{"text": text, "number": number} for number, text in enumerate(texts)]
    rule = DocumentMinhashDeduplicator(window_size=3, num_permutations=128, jaccard_threshold=0.8)
    hashed = NestedDataset.from_list(rows).map(rule.compute_hash)
    kept, _ = rule.process(hashed)
    gone = set(range(len(texts))) - set(kept["number"])
    return [(len(texts) - 1 - number, number) for number in sorted(gone)]


def rensa(texts: list[str]) -> list[tuple[int, int]]:
    from rensa import RMinHash, RMinHashLSH  # type: ignore[import-not-found]

    index = RMinHashLSH(threshold=0.8, num_perm=128, num_bands=16)
    hashed = []
    for number, text in enumerate(texts):
        one = RMinHash(num_perm=128, seed=42)
        one.update([gram.decode() for gram in grams(text)])
        index.insert(number, one)
        hashed.append(one)
    return [
        (number, other)
        for number, one in enumerate(hashed)
        for other in index.query(one)
        if number < other and one.jaccard(hashed[other]) >= 0.8
    ]


def main() -> None:
    texts = Path(sys.argv[2]).read_text().splitlines()
    peer = {"datasketch": datasketch, "py-data-juicer": data_juicer, "rensa": rensa}[sys.argv[1]]
    wall, cpu = time.perf_counter(), time.process_time()
    pairs = peer(texts)
    took = {"seconds": time.perf_counter() - wall, "cpu": time.process_time() - cpu}
    print(json.dumps(took | {"pairs": pairs}))


if __name__ == "__main__":
    main()

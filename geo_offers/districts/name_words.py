"""Words in the names of shops that tell where they are, as 新宿 in 新宿駅前店 or Kamppi in Hotel Kamppi."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_HAN_RUN = re.compile(r"[\u3400-\u9fff々ヶ]{2,}")
_HAN_WORD = (2, 5)
_WORD = re.compile(r"[^\W\d_][^\W\d_'’-]{3,}")
_BRANCH_NAME = re.compile(
    r"[^\u3400-\u9fff々ヶ]([\u3400-\u9fff々ヶ]{2,5}?)(?:駅)?(?:[東西南北]口|前)?(?:通り|中央)?(?:支|本)?店\Z"
)
_OFFICE = re.compile(r"\A(?:東京都|.{1,3}?[区市町村県])?(?:区立|市立|都立|町立)?")
_BRANCH = re.compile(r"(?:駅|[東西南北]口|本店|支店|店|丁目|通り|前|店舗)")
# Parts of names that say what a branch is, not where.
_NO_PLACE = re.compile(
    r"店|駅|前|口|号|館|園|場|所|亭|屋|家|庵|軒|楼|館|駐車|図書|区立|市立|株式|専門|本舗|料理|食|酒|総本|本家|珈琲|寿司|餃子|焼肉"
)
_MOSTLY = 0.6
#: Of the shops with the word, so many must be near, and so many times more than of all shops.
_LEAST_HERE = 0.5
_OVER_CHANCE = 5.0


@dataclass(frozen=True, slots=True)
class NameWords:
    """Words and the shops whose names have them; of one that is mostly part of a longer one, only the longer.

    shops  by word, ascending numbers of shops
    """

    shops: Mapping[str, NDArray[np.int64]]
    names: Sequence[str]

    @classmethod
    def of(cls, names: Sequence[str]) -> NameWords:
        found: dict[str, list[int]] = defaultdict(list)
        for number, name in enumerate(names):
            for word in _words(name):
                found[word].append(number)
        branches = {word for name in names for word in _branch_words(name)}
        kept = {
            word: shops
            for word, shops in found.items()
            if word in branches or len({names[shop] for shop in shops}) > 1
        }
        # 恵比 is nothing but a part of 恵比寿, while 新宿 is more than a part of 西新宿.
        parts = {
            part
            for word, shops in kept.items()
            for part in (word[1:], word[:-1])
            if part in kept and len(shops) >= _MOSTLY * len(kept[part])
        }
        return cls({word: np.array(shops) for word, shops in kept.items() if word not in parts}, names)

    def local(self, members: NDArray[np.int64], near: NDArray[np.bool_]) -> list[tuple[str, float]]:
        """Words of members' names that shops near them have and few elsewhere, with a weight of 0 to 1, best first.

        near  for each shop of the city, whether it is around here
        """
        inside = np.zeros(len(self.names), bool)
        inside[members] = True
        by_chance = float(near.mean())
        found = []
        for word, shops in self.shops.items():
            here = shops[near[shops]]
            share = len(here) / len(shops)
            if share < _LEAST_HERE or share < _OVER_CHANCE * by_chance or not inside[here].any():
                continue
            # Two branches of one chain are one witness.
            here_names = {_chain(self.names[shop]) for shop in here.tolist()}
            branches = sum(_is_branch(word, name) for name in here_names)
            if len(here_names) < _fewest_names(word, branches):
                continue
            found.append((word, share * min(1.0, (len(here_names) + branches) / 8)))
        return sorted(found, key=lambda item: (-item[1], -len(item[0]), item[0]))


def _words(name: str) -> set[str]:
    words = {word for word in _WORD.findall(name) if word[0].isupper() and not _HAN_RUN.search(word)}
    for run in _HAN_RUN.findall(name):
        run = _OFFICE.sub("", run)
        for length in range(_HAN_WORD[0], min(_HAN_WORD[1], len(run)) + 1):
            # 新宿西 of 新宿西口 is no place.
            if not (run[length - 1] in "東西南北" and name[name.find(run) + length :].startswith("口")):
                words.add(run[:length])
    words.update(_branch_words(name))
    return {word for word in words if not _NO_PLACE.search(word)}


def _chain(name: str) -> str:
    """The first part of a name, unless the second tells of a branch."""
    first = re.split(r"[\s(（]", name, maxsplit=1)[0]
    return name if _BRANCH_NAME.search(name) else first


def _branch_words(name: str) -> list[str]:
    """大崎 of "Lawson 大崎駅前店"."""
    return _BRANCH_NAME.findall(name)


def _fewest_names(word: str, branches: int) -> int:
    """How many names must have a word before we believe that it is a place: long words in Han are rarely else."""
    if word.isascii():
        return 4
    if branches:
        return 1
    return 2 if len(word) > 2 else 3


def _is_branch(word: str, name: str) -> bool:
    end = name.find(word) + len(word)
    return bool(_BRANCH.match(name, end)) or (end == len(name) and end > len(word))

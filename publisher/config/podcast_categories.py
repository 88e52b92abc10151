"""Apple's podcast categories of 2019, which podcast directories use."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator

_SUBCATEGORIES = {
    "Arts": "Books, Design, Fashion & Beauty, Food, Performing Arts, Visual Arts",
    "Business": "Careers, Entrepreneurship, Investing, Management, Marketing, Non-Profit",
    "Comedy": "Comedy Interviews, Improv, Stand-Up",
    "Education": "Courses, How To, Language Learning, Self-Improvement",
    "Fiction": "Comedy Fiction, Drama, Science Fiction",
    "Government": "",
    "Health & Fitness": (
        "Alternative Health, Fitness, Medicine, Mental Health, Nutrition, Sexuality"
    ),
    "History": "",
    "Kids & Family": "Education for Kids, Parenting, Pets & Animals, Stories for Kids",
    "Leisure": (
        "Animation & Manga, Automotive, Aviation, Crafts, Games, Hobbies, Home & Garden, "
        "Video Games"
    ),
    "Music": "Music Commentary, Music History, Music Interviews",
    "News": (
        "Business News, Daily News, Entertainment News, News Commentary, Politics, Sports News, "
        "Tech News"
    ),
    "Religion & Spirituality": (
        "Buddhism, Christianity, Hinduism, Islam, Judaism, Religion, Spirituality"
    ),
    "Science": (
        "Astronomy, Chemistry, Earth Sciences, Life Sciences, Mathematics, Natural Sciences, "
        "Nature, Physics, Social Sciences"
    ),
    "Society & Culture": (
        "Documentary, Personal Journals, Philosophy, Places & Travel, Relationships"
    ),
    "Sports": (
        "Baseball, Basketball, Cricket, Fantasy Sports, Football, Golf, Hockey, Rugby, Running, "
        "Soccer, Swimming, Tennis, Volleyball, Wilderness, Wrestling"
    ),
    "TV & Film": "After Shows, Film History, Film Interviews, Film Reviews, TV Reviews",
    "Technology": "",
    "True Crime": "",
}
_CATEGORIES = {name: frozenset(listed.split(", ")) for name, listed in _SUBCATEGORIES.items()}


def _category(value: str) -> str:
    """Check `Category` or `Category > Subcategory`."""
    name, arrow, sub = (part.strip() for part in value.partition(">"))
    if name not in _CATEGORIES:
        raise ValueError(
            f"{value!r} is no category of podcasts; write one of {', '.join(_CATEGORIES)}"
        )
    if arrow and (not sub or sub not in _CATEGORIES[name]):
        known = ", ".join(sorted(_CATEGORIES[name] - {""})) or "none"
        raise ValueError(f"{sub!r} is no part of {name}; its parts are {known}")
    return f"{name} > {sub}" if arrow else name


PodcastCategory = Annotated[str, AfterValidator(_category)]

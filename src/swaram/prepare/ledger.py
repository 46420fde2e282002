"""Who made the recordings and what may be done with them: ``LICENSES`` and ``ATTRIBUTION`` from the manifest."""

from pathlib import Path

from swaram.prepare.journal import Journal
from swaram.prepare.layout import whole_file


def write_ledger(out: Path, journal: Journal) -> None:
    """Write both files: one entry for each source of the kept clips, with its clips, minutes and speakers."""
    sources: dict[tuple[str, ...], list] = {}
    for row in journal.rows(kept=True):
        key = (
            row["source_title"],
            row["licence"],
            row["licence_url"],
            row["attribution"],
            row["source_revision"],
        )
        entry = sources.setdefault(key, [0, 0.0, set()])
        entry[0] += 1
        entry[1] += row["duration"]
        entry[2].add(row["speaker"])
    with whole_file(out / "LICENSES") as licences, whole_file(out / "ATTRIBUTION") as attribution:
        licences.write("Licences of the recordings in this folder, by source.\n")
        attribution.write("A voice trained on these recordings names their makers:\n")
        for (title, licence, url, maker, revision), (clips, seconds, speakers) in sorted(sources.items()):
            licences.write(f"\n{title}{f' ({revision})' if revision else ''}\n  {licence} {url}".rstrip() + "\n")
            licences.write(f"  {clips} clips, {seconds / 60:.1f} minutes, {len(speakers)} speakers\n")
            if "-SA-" in licence:
                licences.write("  Share-alike: what is made from these recordings is to carry the same licence.\n")
            attribution.write(f"- {maker}. Licence: {licence}.\n")

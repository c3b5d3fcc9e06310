/** Names that look like another, the most alike first: a letter or two are different, or one begins with the other. */
export function nearNames(name: string, names: Iterable<string>, most = 3): readonly string[] {
  const wanted = name.toLowerCase();
  const allowed = Math.min(2, Math.floor(wanted.length / 3));
  const found: { readonly name: string; readonly distance: number }[] = [];
  for (const one of names) {
    const known = one.toLowerCase();
    const distance = known.startsWith(wanted) || wanted.startsWith(known) ? 1 : editDistance(wanted, known, allowed);
    if (one !== name && distance <= Math.max(allowed, 1)) found.push({ name: one, distance });
  }
  found.sort((a, b) => a.distance - b.distance || (a.name < b.name ? -1 : 1));
  return found.slice(0, most).map(({ name: near }) => near);
}

/** Longer names are compared by their beginnings only. */
const MAX_LENGTH = 128;

/** Letters to change, add, leave out or swap, by optimal string alignment; more than `most` is infinite. */
function editDistance(a: string, b: string, most: number): number {
  if (Math.abs(a.length - b.length) > most || a.length > MAX_LENGTH || b.length > MAX_LENGTH)
    return Number.POSITIVE_INFINITY;
  let [before, last]: [number[], number[]] = [[], Array.from({ length: b.length + 1 }, (_, n) => n)];
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const cost = a[i - 1] === b[j - 1] ? 0 : 1;
      let least = Math.min((last[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1, (last[j - 1] ?? 0) + cost);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        least = Math.min(least, (before[j - 2] ?? 0) + 1);
      row.push(least);
    }
    [before, last] = [last, row];
  }
  const distance = last[b.length] ?? 0;
  return distance <= most ? distance : Number.POSITIVE_INFINITY;
}

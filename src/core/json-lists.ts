/** JSON lists of items that are JSON already, in order, none longer than `chars` unless a single item is. */
export function* jsonLists(items: Iterable<string>, chars: number): Generator<string> {
  let list: string[] = [];
  let sum = 0;
  for (const item of items) {
    if (list.length > 0 && sum + item.length > chars) {
      yield `[${list.join(",")}]`;
      list = [];
      sum = 0;
    }
    list.push(item);
    sum += item.length + 1;
  }
  if (list.length > 0) yield `[${list.join(",")}]`;
}

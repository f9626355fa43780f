const entities: Readonly<Record<string, string>> = {
  '&amp;': '&',
  '&lt;': '<',
  '&gt;': '>',
  '&quot;': '"',
  '&#39;': "'",
  '&#039;': "'",
};

/**
 * Whether a message shows the text that was sent. A chat may trim, escape, or change blanks and Unicode forms of what it
 * keeps; a text taken for another one would be sent twice, so only letters, digits and symbols count.
 */
export function sameText(sent: string, shown: string): boolean {
  return essence(sent) === essence(shown);
}

function essence(text: string): string {
  const plain = text
    .replaceAll(/&(?:amp|lt|gt|quot|#0?39);/gu, (entity) => entities[entity] ?? entity)
    .normalize('NFKC');
  const words = plain.replaceAll(/[^\p{L}\p{N}]/gu, '');
  return words === '' ? plain.replaceAll(/\s/gu, '') : words;
}

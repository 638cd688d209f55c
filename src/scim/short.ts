/** What somebody wrote, for a sentence. @param most characters of it */
export function short(text: string, most = 60): string {
  return text.length > most ? `${text.slice(0, most)}…` : text;
}

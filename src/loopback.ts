/** Whether a host is this very machine. @param host a name or an address, as the URL parser or a flag has it */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || host === '[::1]' || /^127(\.\d{1,3}){3}$/.test(host);
}

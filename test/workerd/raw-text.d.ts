/** A file as text: the test runtime cannot import every JSON file of a package as it stands. */
declare module "*?raw" {
  const text: string;
  export default text;
}

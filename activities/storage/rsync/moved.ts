/** Exit code of our scripts where the marker of the folder is another one than it was. */
export const MOVED = 82;

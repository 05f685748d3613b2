// expect: localStorage no organization → unchanged
export const theme = () => localStorage.getItem("theme");

// expect: select leads user-key unfenced → left unfenced-query
import { Component } from "react";
import { supabase } from "@/client";

export class Leads extends Component {
  async componentDidMount() {
    await supabase.from("leads").select("*");
  }
}

print("excise")
